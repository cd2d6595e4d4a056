"use client";
import NextLink from "next/link";
import { type ComponentProps, type ReactNode, useState } from "react";

/**
 * A link to another page of the portal. That page is fetched when somebody is about to follow it, and not as soon as the link is there: the server makes pages
 * one after the other, and what the page that was just opened has to show would wait for all that it leads to.
 */
export function Link({
  onPointerEnter,
  onFocus,
  ...rest
}: Omit<ComponentProps<typeof NextLink>, "prefetch">): ReactNode {
  const [isMeant, setIsMeant] = useState(false);
  return (
    <NextLink
      {...rest}
      prefetch={isMeant ? null : false}
      onPointerEnter={(event) => {
        setIsMeant(true);
        onPointerEnter?.(event);
      }}
      onFocus={(event) => {
        setIsMeant(true);
        onFocus?.(event);
      }}
    />
  );
}
