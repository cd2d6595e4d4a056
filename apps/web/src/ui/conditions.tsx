"use client";
import type { Condition } from "@pilothouse/contract";
import type { ReactNode } from "react";
import styles from "./conditions.module.css";
import { Status, type StatusTone } from "./status.tsx";
import { TimeAgo } from "./time-ago.tsx";

const tones: Record<Condition["status"], StatusTone> = { True: "ok", False: "bad", Unknown: "unknown" };

/** Those that people ask for first; the others follow by name. */
const first = ["Ready", "Serving", "Proven", "Connected"];

/** What is not as it should be comes first. */
function sortConditions(conditions: readonly Condition[]): Condition[] {
  const rank = ({ type, status }: Condition): number =>
    (status === "True" ? first.length + 1 : 0) + (first.includes(type) ? first.indexOf(type) : first.length) / 10;
  return conditions.toSorted((a, b) => rank(a) - rank(b) || (a.type < b.type ? -1 : 1));
}

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
        {sortConditions(conditions).map(({ type, status, reason, message, lastTransitionAt, lastKnown }) => (
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
