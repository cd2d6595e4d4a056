import type { Metadata } from "next";
import type { ReactNode } from "react";
import { getService } from "#server/service.ts";
import { ConnectPage } from "#ui/clusters/connect-page.tsx";

export const metadata: Metadata = { title: "Connect a cluster" };

export default async function Page({ params }: { params: Promise<{ tenant: string }> }): Promise<ReactNode> {
  return <ConnectPage tenant={(await params).tenant} origin={getService().origin} />;
}
