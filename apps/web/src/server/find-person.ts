import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { authenticateSession, type SignedIn } from "@pilothouse/core";
import { readSessionId } from "./session-cookie.ts";
import { getService } from "./service.ts";

/** Who looks at a page; undefined for somebody who is not signed in. */
export async function findPerson(): Promise<SignedIn | undefined> {
  const service = getService();
  const sessionId = await readSessionId((await headers()).get("cookie"), service);
  return sessionId === undefined ? undefined : authenticateSession(service.database, sessionId);
}

/** Who looks at a page. Whoever is not signed in is led there, and then back. */
export async function requirePersonOnPage(path: string): Promise<SignedIn> {
  const person = await findPerson();
  if (person !== undefined) return person;
  return redirect(`/sign-in?next=${encodeURIComponent(path)}`);
}
