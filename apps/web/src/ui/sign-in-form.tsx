"use client";
import { type ReactNode, useState } from "react";
import { readText } from "#client/read-form.ts";
import { signIn, type SignInResult } from "#client/sign-in.ts";
import { Button } from "./button.tsx";
import styles from "./centered.module.css";
import { EntryFrame } from "./entry-frame.tsx";
import { TextField } from "./field.tsx";
import { Notice } from "./notice.tsx";

const describeWait = (seconds: number): string =>
  seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;

function describeFailure(result: Exclude<SignInResult, "signedIn">): string {
  if (result === "wrong")
    return "Address and password do not fit. Check both, or ask an owner of your tenant for a new invitation.";
  if (result === "unavailable") return "Nobody can sign in at this moment. Try again in a few seconds.";
  if ("detail" in result) return result.detail;
  return `There were too many tries. Wait ${describeWait(result.waitSeconds)}, then try again.`;
}

/** Address, password, and a way in. */
export function SignInForm({ next }: { /** Where to go then. */ next: string }): ReactNode {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const submit = async (form: FormData): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      const result = await signIn(readText(form, "email"), readText(form, "password"));
      // A whole new page, which is made for whoever is signed in now.
      if (result === "signedIn") return globalThis.location.assign(next);
      setFailure(describeFailure(result));
    } catch {
      setFailure("The portal does not answer. Check your connection, then try again.");
    }
    setBusy(false);
  };
  return (
    <EntryFrame title="Sign in" line="To your clusters and their control planes.">
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        {failure === undefined ? null : <Notice tone="bad" title={failure} />}
        <TextField label="E-mail" name="email" type="email" autoComplete="username" required />
        <TextField label="Password" name="password" type="password" autoComplete="current-password" required />
        <Button type="submit" kind="primary" busy={busy}>
          Sign in
        </Button>
      </form>
      <p className={styles["aside"]}>No account? People come in by invitation: ask an owner of your tenant.</p>
    </EntryFrame>
  );
}
