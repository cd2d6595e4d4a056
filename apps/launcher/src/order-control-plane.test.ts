import type { Condition } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { chooseLine, describeConditions } from "./order-control-plane.ts";

const condition = (type: string, status: Condition["status"], message: string): Condition => ({
  type,
  status,
  reason: "Reason",
  message,
  observedGeneration: 1,
  lastTransitionAt: "2026-11-23T08:00:00.000Z",
});

test("what stands in the way is told by the conditions that say so, or by Ready alone", () => {
  const ready = condition("Ready", "False", "not all is well");
  expect(
    describeConditions([condition("Isolated", "True", "is"), condition("Proven", "False", "refused"), ready]),
  ).toBe("Proven is False: refused");
  expect(describeConditions([condition("Isolated", "True", "is"), ready])).toBe("Ready is False: not all is well");
  expect(describeConditions([])).toBe("");
});

test("the newest line is chosen, by number", () => {
  const lines = (...names: string[]): Parameters<typeof chooseLine>[0] => ({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else of a ground is looked at
    ...({ parts: {} } as Parameters<typeof chooseLine>[0]),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    status: { clusters: names.map((line) => ({ kind: "istiod", line })) } as Parameters<typeof chooseLine>[0]["status"],
  });
  expect(chooseLine(lines("1.9", "1.32", "1.22"))).toBe("1.32");
  expect(() => chooseLine(lines())).toThrow("no istiod cluster");
});
