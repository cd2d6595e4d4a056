import type { Metadata } from "next";
import type { ReactNode } from "react";
import { DomainError, findInvitation } from "@pilothouse/core";
import { getService } from "#server/service.ts";
import { InvitationForm } from "#ui/invitation-form.tsx";
import { UsedInvitation } from "#ui/used-invitation.tsx";

export const metadata: Metadata = { title: "Invitation", referrer: "no-referrer" };

/** Where an invitation leads: to a password of one's own. */
export default async function InvitationPage({ params }: { params: Promise<{ token: string }> }): Promise<ReactNode> {
  const { token } = await params;
  try {
    const { email } = await findInvitation(getService().database, token);
    return <InvitationForm token={token} email={email} />;
  } catch (error) {
    if (error instanceof DomainError && error.code === "NotFound") return <UsedInvitation />;
    throw error;
  }
}
