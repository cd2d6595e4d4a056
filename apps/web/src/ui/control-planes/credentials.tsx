"use client";
import type { Revision } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { findRenewal, renewalShare } from "#client/find-renewal.ts";
import { Card, Facts } from "../card.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./credentials.module.css";

/** istiod's token for the mesh cluster: how old it is, and what happens next. */
export function Credentials({ revision: { credential } }: { revision: Revision }): ReactNode {
  if (credential === null) return null;
  const issuedMs = Date.parse(credential.issuedAt);
  const lifeMs = Date.parse(credential.expiresAt) - issuedMs;
  const usedShare = Math.min(1, Math.max(0, (Date.now() - issuedMs) / lifeMs));
  return (
    <Card title="istiod’s credential">
      <Facts
        items={[
          ["Issued", <TimeAgo key="issued" at={credential.issuedAt} />],
          ["Renewed next", <TimeAgo key="renewed" at={findRenewal(credential)} />],
          ["Expires otherwise", <TimeAgo key="expires" at={credential.expiresAt} />],
        ]}
      />
      <div className={styles["bar"]}>
        <progress
          max={1}
          value={usedShare}
          aria-label={`${Math.round(usedShare * 100)} % of the token's life is over`}
        />
        <span className={styles["mark"]} aria-hidden="true">
          renewal at {renewalShare * 100} %
        </span>
      </div>
    </Card>
  );
}
