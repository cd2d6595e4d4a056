"use client";
import type { ReactNode } from "react";
import { PageHeader } from "../page-header.tsx";
import { ApiKeys } from "./api-keys.tsx";
import { OwnPassword } from "./own-password.tsx";
import { OwnSessions } from "./own-sessions.tsx";

/** Who may do what in a tenant, and one's own way in. */
export function SettingsPage({ tenant }: { tenant: string }): ReactNode {
  return (
    <>
      <PageHeader title="Settings" />
      <ApiKeys tenant={tenant} />
      <OwnSessions />
      <OwnPassword />
    </>
  );
}
