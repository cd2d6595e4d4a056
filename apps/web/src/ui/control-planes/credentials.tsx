"use client";
import type { Revision } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { Card, Facts } from "../card.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./credentials.module.css";

/** Share of a token's life after which it is renewed; the provisioner's `renewalShare`. */
const renewalShare = 0.6;

/** istiod's token for the mesh cluster: how old it is, and what happens next. */
export function Credentials({ revision: { credential } }: { revision: Revision }): ReactNode {
  if (credential === null) return null;
  const issuedMs = Date.parse(credential.issuedAt);
  const lifeMs = Date.parse(credential.expiresAt) - issuedMs;
  const renewalAt = new Date(issuedMs + lifeMs * renewalShare).toISOString();
  const usedShare = Math.min(1, Math.max(0, (Date.now() - issuedMs) / lifeMs));
  return (
    <Card title="istiod’s credential">
      <Facts
        items={[
          ["Issued", <TimeAgo key="issued" at={credential.issuedAt} />],
          ["Renewed next", <TimeAgo key="renewed" at={renewalAt} />],
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
          renewal at 60 %
        </span>
      </div>
    </Card>
  );
}
