import type { Metadata } from "next";
import type { ReactNode } from "react";
import { FleetPage } from "#ui/admin/fleet-page.tsx";
import { SetupProgress } from "#ui/setup-progress.tsx";

export const metadata: Metadata = { title: "Fleet" };

export default function Page(): ReactNode {
  return (
    <>
      <SetupProgress />
      <FleetPage />
    </>
  );
}
