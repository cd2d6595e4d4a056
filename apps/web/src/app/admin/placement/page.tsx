import type { Metadata } from "next";
import type { ReactNode } from "react";
import { PlacementPage } from "#ui/admin/placement-page.tsx";

export const metadata: Metadata = { title: "Placement" };

export default function Page(): ReactNode {
  return <PlacementPage />;
}
