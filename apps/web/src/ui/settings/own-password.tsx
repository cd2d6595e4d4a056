"use client";
import { operations } from "@pilothouse/contract";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { findFieldError } from "#client/queries.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { Failure } from "../failure.tsx";
import { TextField } from "../field.tsx";
import { Notice } from "../notice.tsx";
import styles from "./settings.module.css";

/** A new password for whoever is signed in. All other browsers are signed out by it. */
export function OwnPassword(): ReactNode {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useMutation({
    mutationFn: () => call(operations.changePassword, { body: { current, password } }),
    onSuccess: () => {
      setCurrent("");
      setPassword("");
    },
  });
  const currentError = findFieldError(change.error, "current");
  const passwordError = findFieldError(change.error, "password");
  return (
    <Card title="Your password">
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <TextField
          label="Current password"
          type="password"
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
          error={currentError}
          required
        />
        <TextField
          label="New password"
          hint="At least 12 characters."
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          error={passwordError}
          minLength={12}
          required
        />
        {change.error === null || currentError !== undefined || passwordError !== undefined ? null : (
          <Failure title="The password was not changed" error={change.error} />
        )}
        {change.isSuccess ? (
          <Notice tone="ok" title="The password is changed, and all other browsers are signed out" />
        ) : null}
        <div className={styles["actions"]}>
          <Button type="submit" busy={change.isPending}>
            Change password
          </Button>
        </div>
      </form>
    </Card>
  );
}
