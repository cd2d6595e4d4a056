"use client";
import { type ReactNode, useState } from "react";
import { signOut } from "#client/sign-in.ts";
import { Button } from "./button.tsx";

/** The way out where there is no account menu. */
export function SignOutButton(): ReactNode {
  const [state, setState] = useState<"ready" | "busy" | "failed">("ready");
  const leave = (): void => {
    setState("busy");
    signOut().catch(() => setState("failed"));
  };
  return (
    <>
      <Button busy={state === "busy"} onClick={leave}>
        Sign out
      </Button>
      {state === "failed" ? (
        <p role="alert">The portal does not answer. Check your connection, then try again.</p>
      ) : null}
    </>
  );
}
