import type { Metadata } from "next";
import type { ReactNode } from "react";
import { getService } from "#server/service.ts";
import { CreatePage } from "#ui/control-planes/create-page.tsx";

export const metadata: Metadata = { title: "Create control plane" };

export default async function Page({ params }: { params: Promise<{ tenant: string }> }): Promise<ReactNode> {
  return <CreatePage tenant={(await params).tenant} origin={getService().origin} />;
}
