"use client";
import { operations } from "@pilothouse/contract";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { readText } from "#client/read-form.ts";
import { signIn } from "#client/sign-in.ts";
import { Button } from "./button.tsx";
import styles from "./centered.module.css";
import { EntryFrame } from "./entry-frame.tsx";
import { TextField } from "./field.tsx";

/** Sets a password by an invitation, and signs in with it. */
export function InvitationForm({
  token,
  email,
  tenant,
}: {
  token: string;
  email: string;
  /** Into which it leads, as people call it; null when it leads into none. */
  tenant: string | null;
}): ReactNode {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const submit = async (password: string): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      await call(operations.acceptInvitation, { body: { token, password } });
      await signIn(email, password);
      globalThis.location.assign("/");
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <EntryFrame
      title="Welcome to Pilothouse"
      line={
        <>
          {tenant === null ? "" : `You are invited into ${tenant}. `}Choose a password for {email}.
        </>
      }
    >
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          void submit(readText(new FormData(event.currentTarget), "password"));
        }}
      >
        <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
        <TextField
          label="Password"
          hint="At least 12 characters. A few words are easy to remember and hard to guess."
          name="password"
          type="password"
          autoComplete="new-password"
          minLength={12}
          required
          error={failure}
        />
        <Button type="submit" kind="primary" busy={busy}>
          Set password and sign in
        </Button>
      </form>
    </EntryFrame>
  );
}
