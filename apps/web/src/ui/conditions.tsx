"use client";
import type { Condition } from "@pilothouse/contract";
import type { ReactNode } from "react";
import styles from "./conditions.module.css";
import { Status, type StatusTone } from "./status.tsx";
import { TimeAgo } from "./time-ago.tsx";

const tones: Record<Condition["status"], StatusTone> = { True: "ok", False: "bad", Unknown: "unknown" };

/** Conditions of one object: each with its status, since when, and its reason in words. What can't be seen says what was known last. */
export function Conditions({ conditions }: { conditions: readonly Condition[] }): ReactNode {
  return (
    <table className={styles["table"]} aria-label="Conditions">
      <thead>
        <tr>
          <th scope="col">Condition</th>
          <th scope="col">Status</th>
          <th scope="col">Since</th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        {conditions.map(({ type, status, reason, message, lastTransitionAt, lastKnown }) => (
          <tr key={type} data-condition={type} data-status={status}>
            <th scope="row">{type}</th>
            <td>
              <Status tone={tones[status]} quiet>
                {status}
              </Status>
            </td>
            <td>
              <TimeAgo at={lastTransitionAt} />
            </td>
            <td>
              <code>{reason}</code>
              <p>{message}</p>
              {lastKnown === undefined ? null : (
                <p>
                  Last seen as {lastKnown.status} <TimeAgo at={lastKnown.at} />: {lastKnown.message}
                </p>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
