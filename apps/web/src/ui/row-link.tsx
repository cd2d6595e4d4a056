"use client";
import Link from "next/link";
import type { ReactNode } from "react";

/** A link out of one of many rows. Nothing is fetched before it is followed: a list would ask for a page per row that is seen while it scrolls. */
export function RowLink({ href, children }: { href: string; children: ReactNode }): ReactNode {
  return (
    <Link href={href} prefetch={false}>
      {children}
    </Link>
  );
}
