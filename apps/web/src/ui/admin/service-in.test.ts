import type { ControlPlanePhase } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { countService } from "./service-in.ts";

const hosted = (phase: ControlPlanePhase, ...istiodClusters: string[]) => ({
  phase,
  revisions: istiodClusters.map((istiodCluster) => ({ istiodCluster })),
});

test("of an istiod cluster are counted those that serve and those that should, not those that come or go", () => {
  const controlPlanes = [
    hosted("Ready", "a"),
    hosted("Degraded", "a", "b"),
    hosted("Degraded", "b"),
    hosted("Provisioning", "a"),
    hosted("Deleting", "b"),
    hosted("Unknown", "b"),
  ];
  expect([
    countService(controlPlanes, "a"),
    countService(controlPlanes, "b"),
    countService(controlPlanes, "c"),
  ]).toEqual([
    { serving: 1, failing: 1 },
    { serving: 0, failing: 2 },
    { serving: 0, failing: 0 },
  ]);
});
