import type { Metadata } from "next";
import type { ReactNode } from "react";
import { DomainError, findInvitation } from "@pilothouse/core";
import { findPerson } from "#server/find-person.ts";
import { getService } from "#server/service.ts";
import { InvitationForm } from "#ui/invitation-form.tsx";
import { JoinForm } from "#ui/join-form.tsx";
import { UsedInvitation } from "#ui/used-invitation.tsx";

export const metadata: Metadata = { title: "Invitation", referrer: "no-referrer" };

/** Where an invitation leads: to a password of one's own, or for somebody who has one, into the tenant. */
export default async function InvitationPage({ params }: { params: Promise<{ token: string }> }): Promise<ReactNode> {
  const { token } = await params;
  try {
    const { email, needsPassword, tenant } = await findInvitation(getService().database, token);
    if (needsPassword || tenant === null)
      return <InvitationForm token={token} email={email} tenant={tenant?.displayName ?? null} />;
    const person = await findPerson();
    return <JoinForm token={token} email={email} tenant={tenant.displayName} signedInAs={person?.email} />;
  } catch (error) {
    if (error instanceof DomainError && error.code === "NotFound") return <UsedInvitation />;
    throw error;
  }
}
