import type { Metadata } from "next";
import type { ReactNode } from "react";
import { ClusterPage } from "#ui/clusters/cluster-page.tsx";

interface Props {
  params: Promise<{ tenant: string; cluster: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).cluster };
}

export default async function Page({ params }: Props): Promise<ReactNode> {
  const { tenant, cluster } = await params;
  return <ClusterPage tenant={tenant} name={cluster} />;
}
