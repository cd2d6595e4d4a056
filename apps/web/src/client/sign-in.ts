"use client";
/** How a try to sign in ended. */
export type SignInResult = "signedIn" | "wrong" | "unavailable" | { waitSeconds: number } | { detail: string };

/** A text in an answer, by its name. Read by hand: the page on which people sign in loads no schemas. */
function findText(answer: unknown, name: string): string | undefined {
  const text: unknown = typeof answer === "object" && answer !== null ? Reflect.get(answer, name) : undefined;
  return typeof text === "string" ? text : undefined;
}

function readText(answer: unknown, name: string): string {
  const text = findText(answer, name);
  if (text === undefined) throw new Error(`The answer has no ${name}.`);
  return text;
}

async function post(path: string, fields: Record<string, string>): Promise<unknown> {
  const csrfToken = readText(await (await fetch("/api/auth/csrf")).json(), "csrfToken");
  const response = await fetch(path, {
    method: "POST",
    body: new URLSearchParams({ ...fields, csrfToken, json: "true", callbackUrl: globalThis.location.origin }),
  });
  return response.json();
}

/** Signs in with an address and a password. @throws when the service does not answer */
export async function signIn(email: string, password: string): Promise<SignInResult> {
  const answer = await post("/api/auth/callback/credentials", { email, password });
  // Such as at another name of the portal's than the one that it knows itself by.
  const detail = findText(answer, "detail");
  if (detail !== undefined) return { detail };
  const error = new URL(readText(answer, "url"), globalThis.location.origin).searchParams.get("error");
  if (error === null) return "signedIn";
  if (error === "Unavailable") return "unavailable";
  const wait = /^TooManyTries:(\d+)$/.exec(error)?.[1];
  return wait === undefined ? "wrong" : { waitSeconds: Number(wait) };
}

/** Ends the session, here and in the database, and shows the way back in. */
export async function signOut(): Promise<void> {
  await post("/api/auth/signout", {});
  globalThis.location.assign("/sign-in");
}
