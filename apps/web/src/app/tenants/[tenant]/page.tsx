import type { Metadata } from "next";
import type { ReactNode } from "react";
import { OverviewPage } from "#ui/overview/overview-page.tsx";
import { SetupProgress } from "#ui/setup-progress.tsx";

export const metadata: Metadata = { title: "Overview" };

export default async function Page({ params }: { params: Promise<{ tenant: string }> }): Promise<ReactNode> {
  return (
    <>
      <SetupProgress />
      <OverviewPage tenant={(await params).tenant} />
    </>
  );
}
