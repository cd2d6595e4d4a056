import type { Metadata } from "next";
import type { ReactNode } from "react";
import { TenantsPage } from "#ui/admin/tenants-page.tsx";

export const metadata: Metadata = { title: "Tenants" };

export default function Page(): ReactNode {
  return <TenantsPage />;
}
