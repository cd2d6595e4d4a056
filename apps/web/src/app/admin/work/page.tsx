import type { Metadata } from "next";
import type { ReactNode } from "react";
import { WorkPage } from "#ui/admin/work-page.tsx";

export const metadata: Metadata = { title: "Work" };

export default function Page(): ReactNode {
  return <WorkPage />;
}
