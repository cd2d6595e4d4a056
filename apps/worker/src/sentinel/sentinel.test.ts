import { setTimeout as sleep } from "node:timers/promises";
import type { ObservedCondition } from "@pilothouse/core";
import type { Proof } from "@pilothouse/provisioner";
import { expect, test } from "vitest";
import { createMetrics } from "../metrics.ts";
import type { Prober } from "../provisioner.ts";
import { type SentinelTimes, startSentinel } from "./sentinel.ts";

const times = {
  admissionMs: 27_000,
  proofMs: 600_000,
  closerLookMs: 10,
  retryMs: [10, 20, 20],
  streamTimeoutMs: 1_000,
  proofTimeoutMs: 1_000,
} as const;

const proofOf = (verdict: "proven" | "refuted"): Proof => ({
  name: "admission",
  ok: verdict === "proven",
  verdict,
  waitable: false,
  latencyMs: 1,
  message: "",
  details: {},
});

/** @returns what it said */
function start(prober: Prober, signal: AbortSignal, more: Partial<SentinelTimes> = {}) {
  const said: ObservedCondition[] = [];
  const sentinel = startSentinel({
    revisionId: "cp-1-32-abcde",
    prober,
    condition: undefined,
    save: async (condition) => void said.push(condition),
    takeTurn: (work) => work(),
    signal,
    metrics: createMetrics({ withProcess: false }),
    log: () => undefined,
    times: { ...times, ...more },
  });
  return { sentinel, said };
}

/** What it watches does not serve, however often it looks. */
function createRefuted() {
  let looks = 0;
  const prober: Prober = {
    async prove() {
      looks += 1;
      return [proofOf("refuted")];
    },
    openStream: async () => ({ close: async () => undefined }),
    close: async () => undefined,
  };
  return { prober, countLooks: () => looks };
}

test("what does not serve is looked at as often as it should be, also when the time of the whole proof has come meanwhile", async () => {
  const { prober, countLooks } = createRefuted();
  const ending = new AbortController();
  const { sentinel, said } = start(prober, ending.signal, { proofMs: 1, retryMs: [600, 600, 600] });
  for (let waits = 0; waits < 200 && said.length === 0; waits += 1) await sleep(10);
  const before = countLooks();
  await sleep(1_500);
  expect(countLooks() - before).toBeLessThanOrEqual(4);
  expect(countLooks() - before).toBeGreaterThan(0);
  ending.abort();
  await sentinel.ended;
});

test("the longer something does not serve, the less often it is looked at", async () => {
  const { prober, countLooks } = createRefuted();
  const ending = new AbortController();
  const { sentinel, said } = start(prober, ending.signal, { retryMs: [5, 5, 10_000] });
  for (let waits = 0; waits < 200 && said.length === 0; waits += 1) await sleep(10);
  await sleep(2_000);
  // A wait that is a tenth of the time so far: 5 ms until 50 ms have passed, then so often as 1.1 goes into 40, with what chance adds.
  expect(countLooks()).toBeLessThan(90);
  expect(countLooks()).toBeGreaterThan(10);
  ending.abort();
  await sentinel.ended;
});

test("a stream that ends before it is at hand counts as refused, and another is opened", async () => {
  let tries = 0;
  const prober: Prober = {
    prove: async () => [proofOf("proven")],
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
  const ending = new AbortController();
  const { sentinel, said } = start(prober, ending.signal);
  for (let waits = 0; waits < 200 && said.length === 0; waits += 1) await sleep(10);
  expect([tries, sentinel.isOpen()]).toEqual([2, true]);
  expect(said.map(({ status }) => status)).toEqual(["True"]);
  ending.abort();
  await sentinel.ended;
});
