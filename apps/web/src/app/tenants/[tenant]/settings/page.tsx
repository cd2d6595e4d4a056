import type { Metadata } from "next";
import type { ReactNode } from "react";
import { SettingsPage } from "#ui/settings/settings-page.tsx";

export const metadata: Metadata = { title: "Settings" };

export default async function Page({ params }: { params: Promise<{ tenant: string }> }): Promise<ReactNode> {
  return <SettingsPage tenant={(await params).tenant} />;
}
