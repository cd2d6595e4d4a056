import type { Capacity, UsagePoint } from "@pilothouse/contract";
import type { ChartPoint } from "../chart-parts.ts";

/** Times without samples are longer than this many steps between two points. */
const gapSteps = 1.5;

/** One resource of an istiod cluster over time, for a chart. Where nothing was sampled there is an empty point, so that no line is drawn. */
export function describeUsage(
  points: readonly UsagePoint[],
  resource: keyof Capacity,
  stepSeconds: number,
): ChartPoint[] {
  let beforeMs: number | undefined;
  return points.flatMap(({ at, capacity, reserved, used }): ChartPoint[] => {
    const atMs = Date.parse(at);
    const values = {
      capacity: capacity[resource],
      reserved: reserved[resource],
      free: Math.max(0, capacity[resource] - reserved[resource]),
      used: used[resource],
    };
    const isGap = beforeMs !== undefined && atMs - beforeMs > gapSteps * stepSeconds * 1_000;
    const empty = {
      atMs: (beforeMs ?? atMs) + stepSeconds * 1_000,
      values: { capacity: null, reserved: null, free: null, used: null },
    };
    beforeMs = atMs;
    return [...(isGap ? [empty] : []), { atMs, values }];
  });
}
