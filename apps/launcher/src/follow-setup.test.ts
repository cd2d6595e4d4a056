import type { Setup, SetupStep } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { createSetupTeller } from "./follow-setup.ts";

const startedAt = "2026-11-23T08:00:00.000Z";
const step = (more: Partial<SetupStep>): SetupStep => ({
  name: "fleet",
  label: "Local fleet runs",
  state: "waiting",
  message: null,
  startedAt: null,
  finishedAt: null,
  ...more,
});
const setup = (more: Partial<SetupStep>): Setup => ({
  state: "running",
  message: null,
  steps: [step(more)],
  startedAt,
  updatedAt: startedAt,
});

test("each thing is told once, in the order in which it happens", () => {
  const lines: string[] = [];
  const tell = createSetupTeller((line) => lines.push(line.trim()));
  const running = { state: "running", startedAt } as const;
  for (const more of [
    {},
    running,
    running,
    { ...running, message: "etcd: ready" },
    { ...running, message: "etcd: ready" },
  ])
    tell(setup(more));
  const done = { state: "done", startedAt, finishedAt: "2026-11-23T08:00:04.250Z" } as const;
  tell(setup(done));
  tell(setup(done));
  expect(lines).toEqual(["...       Local fleet runs", "etcd: ready", "done       4.3 s  Local fleet runs"]);
});

test("a step that was done before anybody looked is told as done", () => {
  const lines: string[] = [];
  createSetupTeller((line) => lines.push(line))(setup({ state: "failed", startedAt, finishedAt: startedAt }));
  expect(lines).toEqual(["FAILED     0.0 s  Local fleet runs"]);
});
