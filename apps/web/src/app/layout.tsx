import type { Metadata, Viewport } from "next";
import { cookies } from "next/headers";
import type { ReactNode } from "react";
import { themeCookie } from "#client/theme.ts";
import "#ui/base.css";

export const metadata: Metadata = {
  title: { default: "Pilothouse", template: "%s · Pilothouse" },
  description: "Istio control planes as a service",
};

export const viewport: Viewport = { width: "device-width", initialScale: 1 };

/** The frame of every page. It reads a cookie, so that each page is made for its request and carries that request's nonce. */
export default async function RootLayout({ children }: { children: ReactNode }): Promise<ReactNode> {
  const theme = (await cookies()).get(themeCookie)?.value;
  return (
    <html lang="en" {...(theme === "light" || theme === "dark" ? { "data-theme": theme } : {})}>
      <body>{children}</body>
    </html>
  );
}
