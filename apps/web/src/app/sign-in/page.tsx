import type { Metadata } from "next";
import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { findPerson } from "#server/find-person.ts";
import { readNext } from "#server/read-next.ts";
import { SignInForm } from "#ui/sign-in-form.tsx";

export const metadata: Metadata = { title: "Sign in" };

export default async function SignInPage({
  searchParams,
}: {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}): Promise<ReactNode> {
  const next = readNext((await searchParams)["next"]);
  if ((await findPerson()) !== undefined) return redirect(next);
  return <SignInForm next={next} />;
}
