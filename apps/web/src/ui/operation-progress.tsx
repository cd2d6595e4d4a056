"use client";
import type { Operation } from "@pilothouse/contract";
import { type ReactNode, useEffect, useState } from "react";
import { describeSteps } from "#client/operation-steps.ts";
import { Card } from "./card.tsx";
import { Link } from "./link.tsx";
import { Notice } from "./notice.tsx";
import { Status, type StatusTone } from "./status.tsx";
import styles from "./operation-progress.module.css";
import { Steps } from "./steps.tsx";

/** What an operation does, in a word. */
export const operationWords: Record<Operation["kind"], string> = {
  "cluster.connect": "Connecting",
  "cluster.disconnect": "Disconnecting",
  "control-plane.create": "Creating",
  "control-plane.change": "Changing",
  "control-plane.delete": "Deleting",
};

/** These end with what was kept, and what was left behind. */
const removals: ReadonlySet<Operation["kind"]> = new Set(["control-plane.delete", "cluster.disconnect"]);

const states: Record<Operation["state"], { tone: StatusTone; word: string }> = {
  running: { tone: "busy", word: "Under way" },
  succeeded: { tone: "ok", word: "Done" },
  failed: { tone: "bad", word: "Failed" },
  superseded: { tone: "off", word: "Superseded" },
};

/** An operation's state as icon and word. */
export function OperationStatus({ state, quiet = false }: { state: Operation["state"]; quiet?: boolean }): ReactNode {
  const { tone, word } = states[state];
  return (
    <Status tone={tone} quiet={quiet}>
      {word}
    </Status>
  );
}

/** The clock, while something is under way. */
function useNow(isTicking: boolean): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    if (!isTicking) return undefined;
    const timer = setInterval(() => setNowMs(Date.now()), 200);
    return () => clearInterval(timer);
  }, [isTicking]);
  return nowMs;
}

/** What an operation has done, does now, and waits for. */
export function OperationProgress({
  operation,
  tenant,
}: {
  operation: Operation;
  /** Whose it is, where a link to it is to be offered. */
  tenant?: string;
}): ReactNode {
  const nowMs = useNow(operation.state === "running");
  const { id, kind, state, message, object } = operation;
  return (
    <Card title={`${operationWords[kind]} ${object.name}`} aside={<OperationStatus state={state} />}>
      <div className={styles["progress"]}>
        <Steps
          steps={describeSteps(operation, nowMs)}
          label={`Steps of ${operationWords[kind].toLowerCase()} ${object.name}`}
        />
        {state === "running" && message !== null ? (
          <Notice tone="info" title="What it waits for now">
            {message}
          </Notice>
        ) : null}
        {state === "failed" ? (
          <Notice tone="bad" title={`${operationWords[kind]} has failed`}>
            {message}
          </Notice>
        ) : null}
        {state === "succeeded" && removals.has(kind) ? (
          <Notice tone="ok" title="What it came to">
            {message}
          </Notice>
        ) : null}
        {tenant === undefined ? null : (
          <p>
            <Link href={`/tenants/${tenant}/activity?operation=${id}`}>This operation under Activity</Link>
          </p>
        )}
      </div>
    </Card>
  );
}
