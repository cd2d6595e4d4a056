import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createProgress, formatDuration } from "./progress.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function createStream(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, read: () => Buffer.concat(chunks).toString("utf8") };
}

const counted = { type: "advanced", step: "compiling packages", done: 3, total: 12 } as const;

test("without a terminal there are lines for starts and ends, and a heartbeat every 30 s", async () => {
  const { stream, read } = createStream(false);
  const { listener, close } = createProgress({ stream });
  listener({
    type: "planned",
    parts: [
      { name: "etcd", version: "3.6.16", isReady: true },
      { name: "kubelet", version: "1.34.4", isReady: false },
    ],
  });
  for (const part of ["kubelet", "kube-proxy"]) {
    listener({ type: "started", part, version: "1.34.4" });
    listener({ ...counted, part });
  }
  await vi.advanceTimersByTimeAsync(65_000);
  listener({ type: "finished", part: "kubelet", version: "1.34.4", elapsedMs: 65_000, notes: ["as asked"] });
  listener({ type: "failed", part: "kube-proxy", message: "no room" });
  await vi.advanceTimersByTimeAsync(60_000);
  close();
  expect(read().split("\n")).toEqual([
    "Parts: 1 ready, 1 to get.",
    "kubelet 1.34.4: started",
    "kube-proxy 1.34.4: started",
    "kubelet, kube-proxy: compiling packages, 3 of 12, 30 s so far",
    "kubelet, kube-proxy: compiling packages, 3 of 12, 1 min 0 s so far",
    "kubelet 1.34.4: ready after 1 min 5 s (as asked)",
    "kube-proxy: failed: no room",
    "",
  ]);
});

test("nothing is said when everything is there", () => {
  const { stream, read } = createStream(false);
  const { listener, close } = createProgress({ stream });
  listener({ type: "planned", parts: [{ name: "etcd", version: "3.6.16", isReady: true }] });
  close();
  expect(read()).toBe("");
});

test("in a terminal each part on its way has a bar, and a line when it is there", async () => {
  const { stream, read } = createStream(true);
  const { listener, close } = createProgress({ stream });
  listener({ type: "started", part: "kubelet", version: "1.34.4" });
  listener({ type: "started", part: "envoy", version: "1.40.0" });
  listener({ ...counted, part: "kubelet" });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(read()).toMatch(/kubelet +██████░{18} +1\.0 s {2}compiling packages, 3 of 12/);
  expect(read()).toMatch(/envoy +·{24} +1\.0 s {2}starting/);
  listener({ type: "finished", part: "kubelet", version: "1.34.4", elapsedMs: 1_000, notes: [] });
  listener({ type: "finished", part: "envoy", version: "1.40.0", elapsedMs: 1_000, notes: [] });
  await vi.advanceTimersByTimeAsync(1_000);
  close();
  expect(read()).toContain("kubelet 1.34.4: ready after 1.0 s");
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  [40, "0.0 s"],
  [9_900, "9.9 s"],
  [9_990, "10 s"],
  [59_600, "1 min 0 s"],
  [200_000, "3 min 20 s"],
])("%d ms read as %s", (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});
