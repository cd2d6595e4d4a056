import { setTimeout as sleep } from "node:timers/promises";
import type { ObservedCondition } from "@pilothouse/core";
import { expect, test } from "vitest";
import { createMetrics } from "../metrics.ts";
import type { Prober } from "../provisioner.ts";
import { startSentinel } from "./sentinel.ts";

const times = {
  admissionMs: 27_000,
  proofMs: 600_000,
  closerLookMs: 10,
  retryMs: [10, 20],
  streamTimeoutMs: 1_000,
  proofTimeoutMs: 1_000,
} as const;

test("a stream that ends before it is at hand counts as refused, and another is opened", async () => {
  let tries = 0;
  const prober: Prober = {
    prove: async () => [
      { name: "admission", ok: true, verdict: "proven", waitable: false, latencyMs: 1, message: "", details: {} },
    ],
    async openStream({ onEnd, onDraining }) {
      tries += 1;
      if (tries === 1) {
        onDraining();
        onEnd("broken");
      }
      return { close: async () => undefined };
    },
    close: async () => undefined,
  };
  const said: ObservedCondition[] = [];
  const ending = new AbortController();
  const sentinel = startSentinel({
    revisionId: "cp-1-32-abcde",
    prober,
    condition: undefined,
    save: async (condition) => void said.push(condition),
    takeTurn: (work) => work(),
    signal: ending.signal,
    metrics: createMetrics({ withProcess: false }),
    log: () => undefined,
    times,
  });
  for (let waits = 0; waits < 200 && said.length === 0; waits += 1) await sleep(10);
  expect([tries, sentinel.isOpen()]).toEqual([2, true]);
  expect(said.map(({ status }) => status)).toEqual(["True"]);
  ending.abort();
  await sentinel.ended;
});
