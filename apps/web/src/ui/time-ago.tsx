"use client";
import { type ReactNode, useEffect, useState } from "react";

const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const second = 1_000;

/** The time from `at` to `nowMs`, or the other way round, in the largest unit that fits. */
function describeDistance(at: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(at) - nowMs) / second);
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return Math.abs(seconds) < 5 ? "just now" : relative.format(seconds, "second");
}

/** A time relative to now, that moves on; the absolute one, in the viewer's zone, on hover. */
export function TimeAgo({ at }: { at: string }): ReactNode {
  const [nowMs, setNowMs] = useState<number | undefined>(undefined);
  const [absolute, setAbsolute] = useState(at);
  useEffect(() => {
    // Only the browser knows the viewer's zone and clock.
    setNowMs(Date.now());
    setAbsolute(new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" }));
    const ageMs = Math.abs(Date.now() - Date.parse(at));
    const timer = setInterval(() => setNowMs(Date.now()), ageMs < 120 * second ? second : 30 * second);
    return () => clearInterval(timer);
  }, [at]);
  return (
    <time dateTime={at} title={absolute} className="tabular">
      {nowMs === undefined ? "" : describeDistance(at, nowMs)}
    </time>
  );
}
