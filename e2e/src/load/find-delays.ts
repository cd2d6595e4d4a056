import type { Change, Sighting } from "./follow-changes.ts";

/** How long it took from commits until they were seen. */
export interface Delays {
  /** Milliseconds, in the order of the changes. */
  ms: number[];
  /** Changes that another of the same control plane followed at once, so that they were not to be seen. */
  overtaken: number;
  /** Changes that were never seen, though nothing followed at once. */
  lost: Change[];
}

/** What follows a change within this time may be seen in its place, in milliseconds. */
const atOnceMs = 500;

/**
 * Finds for each change when it was seen first.
 * @param changes oldest first, of control planes that are shown there; all were Ready before
 * @param only set for a list that shows this phase alone: what comes out of it leaves the list
 */
export function findDelays(changes: readonly Change[], sightings: readonly Sighting[], only?: string): Delays {
  const delays: Delays = { ms: [], overtaken: 0, lost: [] };
  for (const [id, all] of Map.groupBy(changes, (change) => change.id)) {
    const seen = sightings.filter((sighting) => sighting.id === id);
    const visible = keepVisible(all, only);
    for (const [index, { change, shown }] of visible.entries()) {
      const next = visible[index + 1]?.change;
      // Whoever reads after the next change reads that one; what was being read then may come a little later.
      const untilMs = next === undefined ? Number.POSITIVE_INFINITY : next.committedMs + atOnceMs;
      // Pages tell whole milliseconds.
      const found = seen.find(
        ({ phase, atMs }) => phase === shown && atMs >= Math.floor(change.committedMs) && atMs < untilMs,
      );
      if (found !== undefined) delays.ms.push(Math.max(0, found.atMs - change.committedMs));
      else if (next !== undefined && next.committedMs - change.committedMs < atOnceMs) delays.overtaken += 1;
      else delays.lost.push(change);
    }
  }
  return delays;
}

/** Changes of one control plane that make a difference where they are shown. */
function keepVisible(changes: readonly Change[], only: string | undefined): { change: Change; shown: string }[] {
  const show = (phase: string): string => (only === undefined || phase === only ? phase : "absent");
  let last = show("Ready");
  return changes.flatMap((change) => {
    const shown = show(change.phase);
    if (shown === last) return [];
    last = shown;
    return [{ change, shown }];
  });
}
