"use client";
import { type ReactNode, useCallback, useSyncExternalStore } from "react";
import { describeDistance } from "./describe-distance.ts";

const tickMs = 1_000;
const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

/** One clock for all times of a page. */
function listenToClock(listener: () => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    for (const tell of listeners) tell();
  }, tickMs);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}

/** Only the browser knows the viewer's zone and clock. */
const onServer = (): string => "";

/** A time relative to now, that moves on; the absolute one, in the viewer's zone, on hover. */
export function TimeAgo({ at }: { at: string }): ReactNode {
  const describe = useCallback(() => describeDistance(Date.parse(at), Date.now()), [at]);
  const text = useSyncExternalStore(listenToClock, describe, onServer);
  const absolute =
    text === "" ? undefined : new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  return (
    // Inside of what is read out when it changes, passing time is no news.
    <time dateTime={at} title={absolute} className="tabular" aria-live="off">
      {text}
    </time>
  );
}
