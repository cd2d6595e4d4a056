import { randomBytes } from "node:crypto";
import { type Client, createClient, type NewUser, operations, ProblemError } from "@pilothouse/contract";
import { z } from "zod";
import { type Places, readJson, writeJson } from "./places.ts";

const credentialsSchema = z.object({
  url: z.string(),
  /** A key of the platform. */
  adminApiKey: z.string(),
  tenant: z.string(),
  /** A key of the tenant's owner. */
  tenantApiKey: z.string(),
  /** A person who owns the tenant and is an operator of the provider. */
  email: z.string(),
  password: z.string(),
  /** What the demo connects and orders; null without a fleet. */
  cluster: z.string().nullable(),
  controlPlane: z.string().nullable(),
});

/** What a person or a script needs to begin with. */
export type Credentials = z.infer<typeof credentialsSchema>;

export const demo = { tenant: "demo", email: "demo@pilothouse.test", cluster: "shop", controlPlane: "mesh" } as const;

export const readCredentials = (places: Places): Promise<Credentials | undefined> =>
  readJson(places.credentials, credentialsSchema);

interface Access {
  url: string;
  hasFleet: boolean;
  /** Makes a first key of the platform, past the REST API. */
  makePlatformKey: () => Promise<string>;
  signal: AbortSignal;
}

/** Whether a key opens what it is for, in the database that is there now. */
async function isOpen(client: Client, tenant: string | undefined, signal: AbortSignal): Promise<boolean> {
  try {
    const { body } = await client.call(operations.whoAmI, { signal });
    return tenant === undefined ? body.isPlatform : body.tenants.some(({ name }) => name === tenant);
  } catch (error) {
    if (error instanceof ProblemError && error.status === 401) return false;
    throw error;
  }
}

/**
 * Makes the keys, the tenant and the person of the demo, once, and keeps them in a file that its owner alone may read. What still opens the
 * service stays as it is; what does not (another database, a revoked key) is made anew.
 */
export async function ensureCredentials(places: Places, access: Access): Promise<Credentials> {
  const { url, signal } = access;
  const { tenant, email } = demo;
  const known = await readCredentials(places);
  const connect = (apiKey: string): Client => createClient({ baseUrl: url, apiKey });
  const targets = access.hasFleet
    ? { cluster: demo.cluster, controlPlane: demo.controlPlane }
    : { cluster: null, controlPlane: null };

  const isKnown = known !== undefined && (await isOpen(connect(known.adminApiKey), undefined, signal));
  const adminApiKey = isKnown ? known.adminApiKey : await access.makePlatformKey();
  const platform = connect(adminApiKey);
  const hasTenant = isKnown && (await isOpen(connect(known.tenantApiKey), tenant, signal));
  const tenantApiKey = hasTenant ? known.tenantApiKey : await makeTenant(platform, signal);
  // A password that was changed in the portal since is its owner's, and stays.
  const password = isKnown ? known.password : await makePerson(platform, { url, tenantApiKey, signal });
  const credentials = { url, adminApiKey, tenant, tenantApiKey, email, password, ...targets };
  await writeJson(places.credentials, credentials);
  return credentials;
}

/** The demo's tenant, which may be there already, and a key of its owner. */
async function makeTenant(platform: Client, signal: AbortSignal): Promise<string> {
  const { tenant } = demo;
  try {
    await platform.call(operations.createTenant, { body: { name: tenant, displayName: "Demo" }, signal });
  } catch (error) {
    if (!(error instanceof ProblemError && error.code === "AlreadyExists")) throw error;
  }
  const { body } = await platform.call(operations.createTenantApiKey, {
    params: { tenant },
    body: { name: "npm-run-up", role: "owner" },
    signal,
  });
  if (body.key === null) throw new Error(`The key of the tenant ${tenant} was not shown. Try again: npm run up`);
  return body.key;
}

/**
 * Invites the demo's person into the tenant, accepts in that person's name, and makes an operator of the provider of it. One who is there already
 * gets a new password, as nobody knows the old one any more.
 */
async function makePerson(
  platform: Client,
  { url, tenantApiKey, signal }: { url: string; tenantApiKey: string; signal: AbortSignal },
): Promise<string> {
  const { tenant, email } = demo;
  const displayName = "Demo";
  const password = randomBytes(15).toString("base64url");
  const accept = async ({ invitation }: { invitation: { token: string } | null }): Promise<void> => {
    if (invitation === null) throw new Error(`The invitation of ${email} was not shown. Try again: npm run up`);
    const body = { token: invitation.token, password };
    await createClient({ baseUrl: url }).call(operations.acceptInvitation, { body, signal });
  };
  const ensureUser = async (isOperator: boolean): Promise<NewUser> =>
    (await platform.call(operations.createUser, { body: { email, displayName, isOperator }, signal })).body;

  const owner = createClient({ baseUrl: url, apiKey: tenantApiKey });
  const { body: members } = await owner.call(operations.listMembers, { params: { tenant }, signal });
  const known = members.items.find((member) => member.email === email);
  if (known?.isPending === false) {
    await accept(await ensureUser(true));
    return password;
  }
  // The text of an earlier invitation is lost.
  if (known !== undefined) await owner.call(operations.removeMember, { params: { tenant, member: known.id }, signal });
  // A tenant's invitation sets no operator's password, so this comes last.
  await ensureUser(false);
  const body = { email, displayName, role: "owner" } as const;
  await accept((await platform.call(operations.addTenantMember, { params: { tenant }, body, signal })).body);
  // Who becomes an operator has no password until this invitation is used.
  await accept(await ensureUser(true));
  return password;
}
