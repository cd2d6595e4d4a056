import type { Metadata } from "next";
import type { ReactNode } from "react";
import { IstiodClustersPage } from "#ui/admin/istiod-clusters-page.tsx";

export const metadata: Metadata = { title: "Istiod clusters" };

export default function Page(): ReactNode {
  return <IstiodClustersPage />;
}
