"use client";
import { problemSchema } from "@pilothouse/contract";
import { z } from "zod";

const csrfSchema = z.object({ csrfToken: z.string() });
const answerSchema = z.union([z.object({ url: z.string() }), problemSchema.pick({ detail: true })]);

/** How a try to sign in ended. */
export type SignInResult = "signedIn" | "wrong" | "unavailable" | { waitSeconds: number } | { detail: string };

async function post(path: string, fields: Record<string, string>): Promise<unknown> {
  const { csrfToken } = csrfSchema.parse(await (await fetch("/api/auth/csrf")).json());
  const response = await fetch(path, {
    method: "POST",
    body: new URLSearchParams({ ...fields, csrfToken, json: "true", callbackUrl: globalThis.location.origin }),
  });
  return response.json();
}

/** Signs in with an address and a password. @throws when the service does not answer */
export async function signIn(email: string, password: string): Promise<SignInResult> {
  const answer = answerSchema.parse(await post("/api/auth/callback/credentials", { email, password }));
  // Such as at another name of the portal's than the one that it knows itself by.
  if ("detail" in answer) return answer;
  const error = new URL(answer.url, globalThis.location.origin).searchParams.get("error");
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
