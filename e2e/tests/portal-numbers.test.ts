import { expect, test } from "vitest";
import { findDelays } from "../src/load/find-delays.ts";
import type { Change, Sighting } from "../src/load/follow-changes.ts";
import { judgePage } from "../src/portal/lighthouse-report.ts";
import type { LighthouseResult } from "../src/portal/run-lighthouse.ts";

const change = (id: string, phase: string, committedMs: number): Change => ({ id, phase, committedMs });
const sighting = (id: string, phase: string, atMs: number): Sighting => ({ id, phase, atMs });

test("a change is seen when its own control plane shows its phase after the commit, and no later change explains that", () => {
  const changes = [change("a", "Degraded", 1_000.4), change("b", "Unknown", 1_500), change("a", "Ready", 9_000)];
  const sightings = [
    sighting("a", "Degraded", 900),
    sighting("b", "Unknown", 1_700),
    sighting("a", "Degraded", 1_000),
    sighting("a", "Ready", 9_040),
  ];
  expect(findDelays(changes, sightings)).toEqual({ ms: [0, 40, 200], overtaken: 0, lost: [] });
});

test("what is never shown is lost, unless the next change came at once", () => {
  const lost = change("a", "Degraded", 1_000);
  const changes = [lost, change("a", "Ready", 6_000), change("b", "Unknown", 2_000), change("b", "Ready", 2_100)];
  const sightings = [sighting("a", "Ready", 6_010), sighting("b", "Ready", 2_150), sighting("a", "Degraded", 9_000)];
  // The last sighting is of a failure that no change explains.
  expect(findDelays(changes, sightings)).toEqual({ ms: [10, 50], overtaken: 1, lost: [lost] });
});

test("in a list of what fails a control plane comes and goes; what makes no difference there is no change", () => {
  const changes = [change("a", "Degraded", 1_000), change("a", "Unknown", 2_000), change("a", "Ready", 3_000)];
  const sightings = [sighting("a", "Degraded", 1_020), sighting("a", "absent", 2_030)];
  expect(findDelays(changes, sightings, "Degraded")).toEqual({ ms: [20, 30], overtaken: 0, lost: [] });
});

const visit = (performance: number): LighthouseResult => ({
  scores: new Map([
    ["performance", performance],
    ["accessibility", 95],
    ["best-practices", 94],
  ]),
  lcpMs: 1,
  tbtMs: 1,
  cls: 0,
  bytes: 1,
  faults: [],
});

test("a page is judged by the median of its visits, category by category", () => {
  expect(judgePage("clusters", [visit(90), visit(20), visit(99)]).missed).toEqual(["best-practices"]);
  expect(judgePage("clusters", [visit(89), visit(20), visit(99)]).missed).toEqual(["performance", "best-practices"]);
});

test("a category that was not measured is missed", () => {
  expect(judgePage("clusters", [{ ...visit(99), scores: new Map() }]).missed).toHaveLength(3);
});
