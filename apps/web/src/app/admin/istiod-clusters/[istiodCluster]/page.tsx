import type { Metadata } from "next";
import type { ReactNode } from "react";
import { IstiodClusterPage } from "#ui/admin/istiod-cluster-page.tsx";

interface Props {
  params: Promise<{ istiodCluster: string }>;
}

export const generateMetadata = async ({ params }: Props): Promise<Metadata> => ({
  title: (await params).istiodCluster,
});

export default async function Page({ params }: Props): Promise<ReactNode> {
  return <IstiodClusterPage name={(await params).istiodCluster} />;
}
