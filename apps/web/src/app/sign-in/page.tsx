import type { Metadata } from "next";
import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { findPerson } from "#server/find-person.ts";
import { SignInForm } from "#ui/sign-in-form.tsx";

export const metadata: Metadata = { title: "Sign in" };

/** Only ways within the portal: what is asked for comes from the address. */
const readNext = (next: string | string[] | undefined): string =>
  typeof next === "string" && /^\/(?![/\\])/.test(next) ? next : "/";

export default async function SignInPage({
  searchParams,
}: {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}): Promise<ReactNode> {
  const next = readNext((await searchParams)["next"]);
  if ((await findPerson()) !== undefined) return redirect(next);
  return <SignInForm next={next} />;
}
