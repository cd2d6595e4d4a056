"use client";
import type { ReactNode } from "react";
import { PageHeader } from "../page-header.tsx";
import { ApiKeys } from "./api-keys.tsx";
import { Members } from "./members.tsx";
import { OwnPassword } from "./own-password.tsx";
import { OwnSessions } from "./own-sessions.tsx";

/** Who may do what in a tenant, and one's own way in. */
export function SettingsPage({ tenant }: { tenant: string }): ReactNode {
  return (
    <>
      <PageHeader title="Settings">Who may do what in this tenant, and your own way in.</PageHeader>
      <Members tenant={tenant} />
      <ApiKeys tenant={tenant} />
      <OwnSessions />
      <OwnPassword />
    </>
  );
}
