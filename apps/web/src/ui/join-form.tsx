"use client";
import { operations } from "@pilothouse/contract";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { Button } from "./button.tsx";
import { EntryFrame } from "./entry-frame.tsx";
import { Link } from "./link.tsx";
import { Notice } from "./notice.tsx";
import { SignOutButton } from "./sign-out-button.tsx";

/** Joins a tenant by an invitation, for somebody who can sign in already. */
export function JoinForm({
  token,
  email,
  tenant,
  signedInAs,
}: {
  token: string;
  /** Whose invitation it is. */
  email: string;
  /** As people call it. */
  tenant: string;
  /** Undefined when nobody is signed in. */
  signedInAs: string | undefined;
}): ReactNode {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const join = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      const joined = await call(operations.joinTenant, { body: { token } });
      globalThis.location.assign(`/tenants/${joined.tenant}`);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  const isOther = signedInAs !== undefined && signedInAs !== email;
  return (
    <EntryFrame title={`Join ${tenant}`} line={`${email} is invited.`}>
      {failure === undefined ? null : <Notice tone="bad" title={failure} />}
      {isOther ? (
        <Notice tone="info" title={`You are signed in as ${signedInAs}`}>
          The invitation is for {email}: sign out, and in again as that person.
        </Notice>
      ) : null}
      {signedInAs === email ? (
        <Button kind="primary" busy={busy} onClick={() => void join()}>
          Join
        </Button>
      ) : null}
      {isOther ? (
        <>
          <SignOutButton />
          <Button asChild>
            <Link href="/">To the portal</Link>
          </Button>
        </>
      ) : null}
      {signedInAs === undefined ? (
        <Button asChild kind="primary">
          <Link href={`/sign-in?next=${encodeURIComponent(`/invitations/${token}`)}`}>Sign in, then join</Link>
        </Button>
      ) : null}
    </EntryFrame>
  );
}
