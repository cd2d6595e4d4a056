"use client";
import { LifeBuoy } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";

/** For a page that can't be made: what failed is in the server's log under the digest. */
export default function PageError({
  error,
  reset,
}: {
  error: Error & { digest?: string };
  reset: () => void;
}): ReactNode {
  return (
    <EmptyState
      isPage
      picture={<LifeBuoy />}
      title="This page could not be made"
      action={
        <Button kind="primary" onClick={reset}>
          Try again
        </Button>
      }
    >
      The portal, or the database behind it, did not answer as it should.
      {error.digest === undefined ? null : ` For the provider: ${error.digest}.`} Control planes go on working without
      the portal.
    </EmptyState>
  );
}
