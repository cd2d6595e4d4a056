import type { Setup } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { recordSetup, stepsWithoutFleet } from "./setup-recorder.ts";

const states = (setup: Setup | undefined) => setup?.steps.map(({ name, state }) => `${name} ${state}`);

test("a book of steps is written as they begin, go on and end", async () => {
  const written: Setup[] = [];
  const recorder = recordSetup(stepsWithoutFleet, async (setup) => void written.push(setup));
  const answer = await recorder.run("database", async (report) => {
    report("starting");
    await expect.poll(() => written.at(-1)?.steps[0]?.message).toBe("starting");
    return 5;
  });
  expect(answer).toBe(5);
  await recorder.end();
  const waiting = stepsWithoutFleet.slice(1).map((name) => `${name} waiting`);
  expect(states(written[0])).toEqual(["database waiting", ...waiting]);
  expect(states(written[1])).toEqual(["database running", ...waiting]);
  expect(states(written.at(-1))).toEqual(["database done", ...waiting]);
  expect(written.at(-1)).toMatchObject({ state: "ready", message: null });
  expect(written.at(-1)?.steps[0]?.message).toBeNull();
  expect(Date.parse(written.at(-1)?.steps[0]?.finishedAt ?? "")).toBeLessThanOrEqual(Date.now());
});

test("a step that fails keeps its reason, and so does the whole", async () => {
  const written: Setup[] = [];
  const recorder = recordSetup(["build", "portal"], async (setup) => void written.push(setup));
  const failing = recorder.run("build", () => Promise.reject(new Error("no disk")));
  await expect(failing).rejects.toThrow("no disk");
  await recorder.end("no disk");
  expect(written.at(-1)).toMatchObject({ state: "failed", message: "Portal built: no disk" });
  expect(written.at(-1)?.steps[0]).toMatchObject({ state: "failed", message: "no disk" });
});

test("writes never overtake each other", async () => {
  let isWriting = false;
  const order: string[] = [];
  const recorder = recordSetup(["database", "build"], async (setup) => {
    expect(isWriting).toBe(false);
    isWriting = true;
    await new Promise((settle) => setTimeout(settle, 5));
    isWriting = false;
    order.push((states(setup) ?? []).join(", "));
  });
  await Promise.all([recorder.run("database", async () => 1), recorder.run("build", async () => 2)]);
  await recorder.end();
  expect(order.at(-1)).toBe("database done, build done");
});
