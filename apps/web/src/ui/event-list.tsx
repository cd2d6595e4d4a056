"use client";
import type { TenantEvent } from "@pilothouse/contract";
import type { ReactNode } from "react";
import styles from "./event-list.module.css";
import { TimeAgo } from "./time-ago.tsx";

/** Events, the newest first. */
export function EventList({ events }: { events: readonly TenantEvent[] }): ReactNode {
  if (events.length === 0)
    return <p className={styles["none"]}>Nothing in the last 30 days that is still listed here.</p>;
  return (
    <ol className={styles["events"]}>
      {events.map(({ id, type, object, reason, message, at }) => (
        <li key={id}>
          <TimeAgo at={at} />
          <div>
            <strong>{object.name}</strong> <span className={styles["type"]}>{type}</span>
            {reason === null ? null : <code>{reason}</code>}
            {message === null ? null : <p>{message}</p>}
          </div>
        </li>
      ))}
    </ol>
  );
}
