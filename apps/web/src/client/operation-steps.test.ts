import type { Operation } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { describeSteps } from "./operation-steps.ts";

const at = (seconds: number): string => new Date(seconds * 1_000).toISOString();

const operation = (more: Partial<Operation>): Operation => ({
  id: "018f0000-0000-7000-8000-000000000000",
  kind: "cluster.connect",
  object: { kind: "cluster", id: "1", name: "shop" },
  state: "running",
  generation: 1,
  reason: null,
  message: null,
  requestedBy: "key:1",
  steps: [],
  createdAt: at(0),
  startedAt: at(0),
  finishedAt: null,
  ...more,
});

const states = (more: Partial<Operation>): string[] => describeSteps(operation(more), 9_000).map(({ state }) => state);

test("the first step that is not done is under way, those behind it wait", () => {
  const steps = [{ name: "namespacesCreated", finishedAt: at(1.5) }];
  expect(states({ steps })).toEqual(["done", "running", "waiting", "waiting", "waiting"]);
  expect(describeSteps(operation({ steps }), 9_000).map(({ aside }) => aside)).toEqual([
    "1.5 s",
    "7.5 s",
    undefined,
    undefined,
    undefined,
  ]);
});

test("a step that took no time to speak of says so", () => {
  const steps = [{ name: "namespacesCreated", finishedAt: at(0.02) }];
  expect(describeSteps(operation({ steps }), 9_000)[0]?.aside).toBe("< 0.1 s");
});

test("a step that was passed over is not waited for", () => {
  expect(states({ steps: [{ name: "rolesCreated", finishedAt: at(2) }] })).toEqual([
    "done",
    "done",
    "running",
    "waiting",
    "waiting",
  ]);
});

test("of a failed operation the step where it stopped failed; of one that succeeded all are done", () => {
  expect(states({ state: "failed", steps: [{ name: "namespacesCreated", finishedAt: at(1) }] })).toEqual([
    "done",
    "failed",
    "waiting",
    "waiting",
    "waiting",
  ]);
  expect(new Set(states({ state: "succeeded" }))).toEqual(new Set(["done"]));
});
