import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { ProofFailure } from "./reasons.ts";
import { describeAbort, TimeLimitReached, waitUnlessAborted, withTimeLimit } from "./time-limit.ts";

const timedOut = () => new ProofFailure("NoAnswer", "too late");

test("work ends with its time, or with its caller, and leaves no listener on the caller's signal", async () => {
  const caller = new AbortController();
  const forEver = new Promise<never>(() => {});
  const work = (signal: AbortSignal) => waitUnlessAborted(forEver, signal, timedOut);
  await expect(withTimeLimit(20, caller.signal, work)).rejects.toMatchObject({ reason: "NoAnswer" });
  const running = withTimeLimit(5_000, caller.signal, work);
  expect(getEventListeners(caller.signal, "abort")).toHaveLength(1);
  caller.abort();
  await expect(running).rejects.toMatchObject({ reason: "Aborted" });
  await expect(withTimeLimit(5_000, caller.signal, work)).rejects.toMatchObject({ reason: "Aborted" });
  expect(getEventListeners(caller.signal, "abort")).toHaveLength(0);
});

test("what is done in time is not touched", async () => {
  expect(await withTimeLimit(5_000, undefined, async () => "done")).toBe("done");
  expect(await waitUnlessAborted(Promise.resolve("done"), new AbortController().signal, timedOut)).toBe("done");
});

test("a caller that gives up with a reason of its own has given up", () => {
  expect(describeAbort(AbortSignal.abort("enough"), timedOut())).toMatchObject({ reason: "Aborted" });
  expect(describeAbort(AbortSignal.abort(new TimeLimitReached()), timedOut())).toMatchObject({ reason: "NoAnswer" });
});
