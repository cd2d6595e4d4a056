"use client";
import { ConnectionError, ProblemError } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { Copyable } from "./copy-button.tsx";
import { Notice } from "./notice.tsx";

/** Something that was refused, failed, or was not answered: what, why in the service's own words, and what helps. */
export function Failure({
  title,
  error,
  onRetry,
}: {
  title: string;
  error: Error;
  /** Tries it again, where that is not done by the form around it. */
  onRetry?: () => void;
}): ReactNode {
  const requestId = error instanceof ProblemError ? error.problem.requestId : "";
  return (
    <Notice
      tone="bad"
      title={title}
      actions={
        onRetry === undefined ? undefined : (
          <Button size="small" onClick={onRetry}>
            Try again
          </Button>
        )
      }
    >
      <p>
        {error instanceof ConnectionError
          ? `Pilothouse did not answer. Check your connection, then try again${onRetry === undefined ? ": nothing is done twice" : ""}.`
          : error.message}
      </p>
      {requestId === "" ? null : (
        <p>
          Request <Copyable text={requestId} label="the request’s id" />
        </p>
      )}
    </Notice>
  );
}
