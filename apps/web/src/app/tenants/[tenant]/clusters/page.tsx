import type { Metadata } from "next";
import type { ReactNode } from "react";
import { ClustersPage } from "#ui/clusters/clusters-page.tsx";

export const metadata: Metadata = { title: "Clusters" };

export default async function Page({ params }: { params: Promise<{ tenant: string }> }): Promise<ReactNode> {
  return <ClustersPage tenant={(await params).tenant} />;
}
