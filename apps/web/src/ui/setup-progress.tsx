"use client";
import { operations, type Setup, type SetupStep } from "@pilothouse/contract";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { call } from "#client/api.ts";
import { Card } from "./card.tsx";
import { Notice } from "./notice.tsx";
import styles from "./setup-progress.module.css";
import { Status } from "./status.tsx";
import { Steps } from "./steps.tsx";

/** How often it is asked how far everything is, in milliseconds. */
const intervalMs = { running: 1_000, otherwise: 30_000 };

function describeDuration({ startedAt, finishedAt }: SetupStep, nowMs: number | undefined): string | undefined {
  if (startedAt === null) return undefined;
  const endMs = finishedAt === null ? nowMs : Date.parse(finishedAt);
  if (endMs === undefined) return undefined;
  const seconds = Math.max(0, Math.round((endMs - Date.parse(startedAt)) / 1_000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** How far `npm run up` is, as long as it is not done. Nothing where the service was started in another way. */
export function SetupProgress(): ReactNode {
  const { data: setup } = useQuery<Setup>({
    queryKey: ["setup"],
    queryFn: ({ signal }) => call(operations.getSetup, { signal }),
    refetchInterval: ({ state }) => (state.data?.state === "running" ? intervalMs.running : intervalMs.otherwise),
  });
  const [nowMs, setNowMs] = useState<number | undefined>(undefined);
  useEffect(() => setNowMs(Date.now()), [setup]);
  if (setup === undefined || setup.state === "none" || setup.state === "ready") return null;
  const running = setup.steps.find(({ state }) => state === "running");
  const isRunning = setup.state === "running";
  return (
    <Card
      title="Pilothouse comes up"
      aside={
        <Status tone={isRunning ? "busy" : setup.state === "failed" ? "bad" : "unknown"}>
          {isRunning ? "Under way" : setup.state === "failed" ? "Failed" : "Interrupted"}
        </Status>
      }
    >
      <Steps
        label="Steps of bringing Pilothouse up"
        steps={setup.steps.map((step) => ({
          name: step.name,
          label: step.label,
          state: !isRunning && step.state === "running" ? "waiting" : step.state,
          aside: describeDuration(step, nowMs),
        }))}
      />
      {isRunning && typeof running?.message === "string" ? (
        <p className={styles["message"]} title={running.message}>
          {running.message}
        </p>
      ) : null}
      {isRunning ? null : (
        <Notice
          tone={setup.state === "failed" ? "bad" : "unknown"}
          title={setup.state === "failed" ? "It failed. Try again: npm run up" : "It was interrupted"}
        >
          <span className={styles["failure"]}>{setup.message}</span>
        </Notice>
      )}
    </Card>
  );
}
