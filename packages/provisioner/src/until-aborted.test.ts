import { expect, test, vi } from "vitest";
import { untilAborted } from "./until-aborted.ts";

const describe = (): Error => new Error("the run ended");

test("what comes before the signal is answered, or thrown on", async () => {
  const { signal } = new AbortController();
  await expect(untilAborted(Promise.resolve(1), signal, describe)).resolves.toBe(1);
  await expect(untilAborted(Promise.reject(new Error("its own")), signal, describe)).rejects.toThrow("its own");
});

test("a signal ends the wait, also one that came before", async () => {
  const controller = new AbortController();
  const never = new Promise<never>(() => undefined);
  const waiting = untilAborted(never, controller.signal, describe);
  controller.abort();
  await expect(waiting).rejects.toThrow("the run ended");
  await expect(untilAborted(never, controller.signal, describe)).rejects.toThrow("the run ended");
});

test("nothing stays behind on the signal", async () => {
  const { signal } = new AbortController();
  const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
  await untilAborted(Promise.resolve(), signal, describe);
  expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(add.mock.calls.map(([, listener]) => listener));
});
