import type { Metadata } from "next";
import type { ReactNode } from "react";
import { VersionsPage } from "#ui/admin/versions-page.tsx";

export const metadata: Metadata = { title: "Versions" };

export default function Page(): ReactNode {
  return <VersionsPage />;
}
