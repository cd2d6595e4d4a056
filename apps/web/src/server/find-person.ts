import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { authenticateSession, type SignedIn } from "@pilothouse/core";
import { pathHeader } from "./path-header.ts";
import { readSessionId } from "./session-cookie.ts";
import { getService } from "./service.ts";

/** Who looks at a page; undefined for somebody who is not signed in. */
export async function findPerson(): Promise<SignedIn | undefined> {
  const service = getService();
  const sessionId = await readSessionId((await headers()).get("cookie"), service);
  return sessionId === undefined ? undefined : authenticateSession(service.database, sessionId);
}

/**
 * Who looks at a page. Whoever is not signed in is led there, and then back.
 * @param path back to, where the one that was asked for is not known
 */
export async function requirePersonOnPage(path: string): Promise<SignedIn> {
  const person = await findPerson();
  if (person !== undefined) return person;
  const asked = (await headers()).get(pathHeader) ?? path;
  return redirect(`/sign-in?next=${encodeURIComponent(asked)}`);
}
