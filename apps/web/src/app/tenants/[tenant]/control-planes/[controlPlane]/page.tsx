import type { Metadata } from "next";
import type { ReactNode } from "react";
import { getService } from "#server/service.ts";
import { ControlPlanePage } from "#ui/control-planes/control-plane-page.tsx";

interface Props {
  params: Promise<{ tenant: string; controlPlane: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).controlPlane };
}

export default async function Page({ params }: Props): Promise<ReactNode> {
  const { tenant, controlPlane } = await params;
  return <ControlPlanePage tenant={tenant} name={controlPlane} origin={getService().origin} />;
}
