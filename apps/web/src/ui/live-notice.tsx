"use client";
import { usePathname, useSearchParams } from "next/navigation";
import type { ReactNode } from "react";
import { useLive } from "#client/live.tsx";
import { Button } from "./button.tsx";
import { Notice } from "./notice.tsx";
import { TimeAgo } from "./time-ago.tsx";

/** Says above a page that what it shows stands still, why, and what to do. */
export function LiveNotice(): ReactNode {
  const { status, since } = useLive();
  const pathname = usePathname();
  const search = useSearchParams().toString();
  const here = search === "" ? pathname : `${pathname}?${search}`;
  if (status === "unreachable") {
    return (
      <Notice
        tone="unknown"
        title={
          <>
            Pilothouse can’t be reached
            {since === undefined ? null : (
              <>
                , since <TimeAgo at={since} />
              </>
            )}
          </>
        }
      >
        What is shown is what was known before that. It is tried again every few seconds, and goes on by itself. Control
        planes go on working without the portal.
      </Notice>
    );
  }
  if (status === "signedOut") {
    return (
      <Notice
        tone="warn"
        title="Your session is over"
        actions={
          <Button asChild kind="primary">
            {/* A whole new page: nothing of this session is kept. */}
            <a href={`/sign-in?next=${encodeURIComponent(here)}`}>Sign in again</a>
          </Button>
        }
      >
        It was ended in another browser, or has expired. What is shown stands still. To keep what you have entered here,
        sign in in another tab and come back.
      </Notice>
    );
  }
  if (status === "shutOut") {
    return (
      <Notice
        tone="warn"
        title="This is not open to you any more"
        actions={
          <Button asChild>
            <a href="/">To what is open to you</a>
          </Button>
        }
      >
        You were removed from it, or it was deleted. What is shown stands still.
      </Notice>
    );
  }
  return null;
}
