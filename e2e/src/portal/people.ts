import { type Client, createClient, operations, type TenantRole } from "@pilothouse/contract";
import { connectDatabase } from "@pilothouse/core";
import type { BrowserContext } from "@playwright/test";
import type { Service } from "../service.ts";

/** Somebody who can sign in. */
export interface Person {
  email: string;
  password: string;
}

interface NewPerson {
  email: string;
  displayName: string;
  password: string;
  isOperator?: boolean;
  memberships?: { tenant: string; role: TenantRole }[];
}

/** Makes a person with a password, as an invitation has it. */
export async function makePerson(service: Service, person: NewPerson): Promise<Person> {
  const { email, displayName, password, isOperator = false, memberships = [] } = person;
  const { body: user } = await service.platform.call(operations.createUser, {
    body: { email, displayName, isOperator },
  });
  const token = user.invitation?.token;
  if (token === undefined) throw new Error(`${email} was not invited`);
  const visitor: Client = createClient({ baseUrl: service.baseUrl });
  await visitor.call(operations.acceptInvitation, { body: { token, password } });
  const database = connectDatabase(service.databaseUrls.migrator, 1);
  try {
    for (const { tenant, role } of memberships)
      await database.$executeRawUnsafe(
        "INSERT INTO memberships (tenant_id, user_id, role) SELECT id, $1::uuid, $2 FROM tenants WHERE name = $3",
        user.id,
        role,
        tenant,
      );
  } finally {
    await database.$disconnect();
  }
  return { email, password };
}

/** Signs in as a person does, and stays signed in for all pages of the context. */
export async function signIn(context: BrowserContext, baseUrl: string, { email, password }: Person): Promise<void> {
  const page = await context.newPage();
  await page.goto(`${baseUrl}/sign-in`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  await page.close();
}
