import { expect, test } from "vitest";
import { summarizeLoads } from "./istiod-loads.ts";

const load = (pod: string, cpuSeconds: number | undefined, proxies = 1) => ({
  pod,
  proxies,
  cpuSeconds,
  memoryBytes: 100 * 2 ** 20,
});

test("replicas are summed, and CPU is what was used between two looks at each of them", () => {
  const seat = { before: new Map() };
  const look = (atMs: number, ...loads: ReturnType<typeof load>[]) => summarizeLoads("r", loads, seat, atMs);
  expect(look(0, load("a", 10, 3), load("b", 5))).toEqual({
    revisionId: "r",
    proxies: 4,
    cpuMilli: null,
    memoryMib: 200,
  });
  expect(look(60_000, load("a", 13), load("b", 8)).cpuMilli).toBe(100);
  // Another pod, and a process that began anew in its pod: not known, rather than wrong.
  expect(look(120_000, load("a", 16), load("c", 1)).cpuMilli).toBeNull();
  expect(look(180_000, load("a", 1), load("c", 2)).cpuMilli).toBeNull();
  expect(look(240_000, load("a", 4), load("c", 5)).cpuMilli).toBe(100);
  expect(look(300_000, load("a", undefined), load("c", 5)).cpuMilli).toBeNull();
});

test("memory that one of them does not tell is not known", () => {
  const silent = { ...load("a", 1), memoryBytes: undefined };
  expect(summarizeLoads("r", [silent, load("b", 1)], { before: new Map() }, 0).memoryMib).toBeNull();
});
