import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { requirePersonOnPage } from "#server/find-person.ts";
import { NoTenant } from "#ui/no-tenant.tsx";

/** Leads everybody to where they have something. */
export default async function StartPage(): Promise<ReactNode> {
  const person = await requirePersonOnPage("/");
  const [first] = person.memberships;
  if (first !== undefined) return redirect(`/tenants/${first.tenant}`);
  if (person.isOperator) return redirect("/admin");
  return <NoTenant email={person.email} />;
}
