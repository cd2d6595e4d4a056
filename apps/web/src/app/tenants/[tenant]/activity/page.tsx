import type { Metadata } from "next";
import type { ReactNode } from "react";
import { ActivityPage } from "#ui/activity/activity-page.tsx";

export const metadata: Metadata = { title: "Activity" };

export default async function Page({ params }: { params: Promise<{ tenant: string }> }): Promise<ReactNode> {
  return <ActivityPage tenant={(await params).tenant} />;
}
