import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { doctorParts } from "./doctor.ts";

let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "pilothouse-doctor-"));
});
afterAll(() => rm(cache, { recursive: true, force: true }));

test("a machine without programs is told which are missing, why, and what helps", async () => {
  const checks = await doctorParts({ cache, environment: { PATH: "/nowhere" }, clusters: 5, nodes: 3 });
  const missing = checks.filter((check) => check.required && !check.ok).map((check) => check.name);
  expect(missing).toEqual(
    expect.arrayContaining(["nice", "apt-get", "dpkg-deb", "python3", "pip", "network namespaces"]),
  );
  expect(checks.every((check) => check.needed !== "" && check.help !== "")).toBe(true);
  // Only the benchmark asks for it.
  expect(checks.find((check) => check.name === "curl")).toMatchObject({ ok: false, required: false });
  expect(checks.find((check) => check.name === "go")?.found).toMatch(/^none; .* will come from PyPI$/);
});

test("the needs grow with the fleet", async () => {
  const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
  const [none, many] = await Promise.all([
    doctorParts({ cache, environment, clusters: 0, nodes: 0 }),
    doctorParts({ cache, environment, clusters: 100_000, nodes: 100_000 }),
  ]);
  const names = ["fs.inotify.max_user_instances", "fs.inotify.max_user_watches", "memory"];
  const oks = (checks: typeof none) => names.map((name) => checks.find((check) => check.name === name)?.ok);
  expect(oks(many)).toEqual([false, false, false]);
  expect(none.find((check) => check.name === "memory")?.needed).toBe("2500 MiB");
  expect(many.find((check) => check.name === "fs.inotify.max_user_instances")?.help).toMatch(/^sysctl -w fs\.inotify/);
});
