const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const justNowSeconds = 5;

/** A time as seen from another, both in milliseconds, in the largest unit that fits: "3 minutes ago", "in 2 days". */
export function describeDistance(atMs: number, nowMs: number): string {
  const seconds = Math.round((atMs - nowMs) / 1_000);
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return Math.abs(seconds) < justNowSeconds ? "just now" : relative.format(seconds, "second");
}
