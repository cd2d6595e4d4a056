import { expect, test } from "vitest";
import { type PlacementCandidate, placeRevision, sizeRevision } from "./place-revision.ts";

const big = { slots: 100, cpuMilli: 10_000, memoryMib: 10_000 };
const none = { slots: 0, cpuMilli: 0, memoryMib: 0 };
const revision = { line: "1.32", ...sizeRevision(1) };
const seed = { region: "eu-1", zones: ["a", "b"] };

function makeCandidate(name: string, more: Partial<PlacementCandidate> = {}): PlacementCandidate {
  return {
    name,
    region: "eu-1",
    zones: ["a"],
    line: "1.32",
    schedulable: true,
    healthy: true,
    observed: true,
    capacity: big,
    reserved: none,
    tenantRevisions: 0,
    ...more,
  };
}

const choose = (...candidates: PlacementCandidate[]) => placeRevision({ revision, seed, candidates }).chosen;

test.each([
  { reason: "OtherLine", more: { line: "1.22" } },
  { reason: "NotSchedulable", more: { schedulable: false } },
  { reason: "Unhealthy", more: { healthy: false } },
  { reason: "HealthUnknown", more: { healthy: null } },
  { reason: "NoFreeSlot", more: { reserved: { ...none, slots: 100 } } },
  { reason: "NotEnoughCpu", more: { reserved: { ...none, cpuMilli: 9_951 } } },
  { reason: "NotEnoughMemory", more: { reserved: { ...none, memoryMib: 9_873 } } },
])("$reason rejects, however well all else fits", ({ reason, more }) => {
  const { chosen, ranked, rejected } = placeRevision({ revision, seed, candidates: [makeCandidate("x", more)] });
  expect({ chosen, ranked }).toEqual({ chosen: undefined, ranked: [] });
  expect(rejected).toMatchObject([{ istiodCluster: "x", reason }]);
  expect(rejected[0]?.message).toMatch(/^(It|Its|All) .*\.$/);
});

test("the last of everything is enough", () => {
  const reserved = { slots: 99, cpuMilli: 9_950, memoryMib: 9_872 };
  expect(choose(makeCandidate("x", { reserved }))).toBe("x");
});

test("soft rules count in their order", () => {
  const nearlyFull = { reserved: { ...none, slots: 95 } };
  expect(
    choose(
      makeCandidate("far", { region: "us-1" }),
      makeCandidate("near", { ...nearlyFull, zones: [], tenantRevisions: 9 }),
    ),
  ).toBe("near");
  expect(choose(makeCandidate("region"), makeCandidate("zones", { ...nearlyFull, zones: ["a", "b"] }))).toBe("zones");
  expect(choose(makeCandidate("full", nearlyFull), makeCandidate("free", { tenantRevisions: 9 }))).toBe("free");
  expect(choose(makeCandidate("a", { tenantRevisions: 1 }), makeCandidate("b"))).toBe("b");
  expect(choose(makeCandidate("b"), makeCandidate("a"))).toBe("a");
  expect(choose(makeCandidate("a", { reserved: { ...none, slots: 1 } }), makeCandidate("b"))).toBe("b");
});

test("one that was never seen is taken when nothing else is left", () => {
  const unseen = makeCandidate("a-unseen", { healthy: null, observed: false });
  expect(choose(unseen, makeCandidate("far", { region: "us-1", zones: [] }))).toBe("far");
  expect(choose(unseen)).toBe("a-unseen");
});

/** A generator of its own: the same numbers at every run (mulberry32). */
function makeRandom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("whatever comes in: nobody is lost, the best is chosen, hard rules hold, and order does not matter", () => {
  for (let round = 1; round <= 300; round += 1) {
    const random = makeRandom(round);
    const pick = <Value>(...values: Value[]): Value => {
      const value = values[Math.floor(random() * values.length)];
      if (value === undefined) throw new Error("nothing to pick from");
      return value;
    };
    const amount = (most: number) => Math.floor(random() * most);
    const candidates = Array.from({ length: amount(12) }, (_, index) =>
      makeCandidate(`c-${index}`, {
        region: pick("eu-1", "us-1"),
        zones: pick([], ["a"], ["a", "b"], ["c"]),
        line: pick("1.32", "1.32", "1.22"),
        schedulable: random() > 0.1,
        healthy: pick(true, true, false, null),
        observed: random() > 0.3,
        capacity: { slots: amount(4), cpuMilli: amount(300), memoryMib: amount(600) },
        reserved: { slots: amount(3), cpuMilli: amount(200), memoryMib: amount(400) },
        tenantRevisions: amount(3),
      }),
    );
    const input = {
      revision: { line: "1.32", ...sizeRevision(1 + amount(3)) },
      seed: random() > 0.5 ? seed : undefined,
      candidates,
    };
    const decision = placeRevision(input);
    const { chosen, ranked, rejected } = decision;
    const names = [...ranked, ...rejected].map(({ istiodCluster }) => istiodCluster);
    expect(names.toSorted()).toEqual(candidates.map(({ name }) => name).toSorted());
    expect(chosen).toBe(ranked[0]?.istiodCluster);
    const scores = ranked.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    for (const { istiodCluster, score, parts } of ranked) {
      expect(score).toBe(Object.values(parts).reduce((sum, part) => sum + part, 0));
      const host = candidates.find(({ name }) => name === istiodCluster);
      expect(host).toMatchObject({ line: "1.32", schedulable: true });
      expect((host?.reserved.slots ?? 0) + 1).toBeLessThanOrEqual(host?.capacity.slots ?? 0);
      expect((host?.reserved.cpuMilli ?? 0) + input.revision.cpuMilli).toBeLessThanOrEqual(
        host?.capacity.cpuMilli ?? 0,
      );
      expect((host?.reserved.memoryMib ?? 0) + input.revision.memoryMib).toBeLessThanOrEqual(
        host?.capacity.memoryMib ?? 0,
      );
    }
    expect(placeRevision({ ...input, candidates: candidates.toReversed() })).toEqual(decision);
    const without = candidates.filter(({ name }) => name !== chosen);
    expect(placeRevision({ ...input, candidates: without }).chosen).toBe(ranked[1]?.istiodCluster);
  }
});
