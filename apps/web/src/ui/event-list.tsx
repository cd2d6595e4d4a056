"use client";
import type { TenantEvent } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { describeEvent } from "./describe-event.ts";
import styles from "./event-list.module.css";
import { operationWords } from "./operation-progress.tsx";
import { Status } from "./status.tsx";
import { TimeAgo } from "./time-ago.tsx";

/** Events, the newest first. */
export function EventList({
  events,
  none = "Nothing in the last 30 days.",
}: {
  events: readonly TenantEvent[];
  /** In place of an empty list. */
  none?: string;
}): ReactNode {
  if (events.length === 0) return <p className={styles["none"]}>{none}</p>;
  return (
    <ol className={styles["events"]}>
      {events.map((event) => {
        const { id, object, reason, at } = event;
        const { what, tone, message } = describeEvent(event);
        return (
          <li key={id}>
            <TimeAgo at={at} />
            <div>
              <strong>{nameObject(object.name)}</strong>{" "}
              {tone === undefined ? (
                <span className={styles["type"]}>{what}</span>
              ) : (
                <Status tone={tone} quiet>
                  {what}
                </Status>
              )}{" "}
              {reason === null ? null : <code>{reason}</code>}
              {message === null ? null : <p>{message}</p>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** An operation's name is its kind. */
export const nameObject = (name: string): string =>
  Object.entries(operationWords).find(([kind]) => kind === name)?.[1] ?? name;
