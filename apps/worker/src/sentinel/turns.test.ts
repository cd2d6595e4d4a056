import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createTurns } from "./turns.ts";

test("so many begin at a time, in their order, and a failure gives its place on, too", async () => {
  const takeTurn = createTurns(2, 60_000);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const work = async (index: number): Promise<number> => {
    begun.push(index);
    running += 1;
    most = Math.max(most, running);
    await sleep(5);
    running -= 1;
    if (index === 1) throw new Error("It failed.");
    return index;
  };
  const ended = await Promise.allSettled([0, 1, 2, 3, 4].map((index) => takeTurn(() => work(index))));
  expect(ended.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]);
  expect([begun, most]).toEqual([[0, 1, 2, 3, 4], 2]);
});

test("what waits long for an answer gives its place on, once", async () => {
  const takeTurn = createTurns(1, 20);
  let endFirst: () => void = () => undefined;
  const first = takeTurn(() => new Promise<void>((resolve) => (endFirst = resolve)));
  expect(await takeTurn(async () => "second")).toBe("second");
  endFirst();
  await first;
  // Were the place of the first given on twice, these two would begin together.
  let running = 0;
  const work = async (): Promise<number> => {
    running += 1;
    await sleep(5);
    running -= 1;
    return running;
  };
  expect(await Promise.all([takeTurn(work), takeTurn(work)])).toEqual([0, 0]);
});
