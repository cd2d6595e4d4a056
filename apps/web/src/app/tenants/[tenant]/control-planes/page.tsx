import type { Metadata } from "next";
import type { ReactNode } from "react";
import { ControlPlanesPage } from "#ui/control-planes/control-planes-page.tsx";

export const metadata: Metadata = { title: "Control planes" };

export default async function Page({ params }: { params: Promise<{ tenant: string }> }): Promise<ReactNode> {
  return <ControlPlanesPage tenant={(await params).tenant} />;
}
