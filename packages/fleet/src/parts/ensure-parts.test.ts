import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Environment } from "./command.ts";
import { ensureParts } from "./ensure-parts.ts";
import { manifestFile, toolchainFolder } from "./manifest.ts";
import { PartError } from "./part-error.ts";
import type { PartEvent } from "./part-events.ts";

// oxlint-disable-next-line node/no-process-env -- real builds need the tester's PATH and Go settings
const environment: Environment = process.env;
/** A build of the smallest Go part takes a second with a warm build cache; the standard library comes first without. */
const buildTimeoutMs = 180_000;

let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "pilothouse-parts-"));
});
afterEach(() => rm(cache, { recursive: true, force: true }));

const listFolder = (name: string): Promise<string[]> => readdir(join(cache, name)).catch(() => []);

test(
  "a Go part is built, is found again without any program, and is built anew when a file is lost",
  { timeout: buildTimeoutMs },
  async () => {
    const names = ["pause"] as const;
    const parts = await ensureParts({ cache, environment, names }).all;
    expect(await promisify(execFile)(parts.paths.pause, ["-v"])).toMatchObject({ stdout: "pause 1\n" });
    expect(parts.records).toMatchObject([{ name: "pause", version: "1", licence: "Apache-2.0" }]);
    expect(parts.records[0]?.used["go"]).toMatch(/^go1/);
    expect([await listFolder("locks"), await listFolder("work")]).toEqual([[], []]);

    const handle = ensureParts({ cache, environment: {}, names });
    expect(await handle.ready("pause")).toBe(parts.paths.pause);
    expect(await handle.all).toEqual(parts);
    const timesMs: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const startMs = performance.now();
      await ensureParts({ cache, environment: {}, names }).all;
      timesMs.push(performance.now() - startMs);
    }
    expect(Math.min(...timesMs)).toBeLessThan(100);

    await rm(parts.paths.pause);
    await ensureParts({ cache, environment, names }).all;
    expect((await stat(parts.paths.pause)).size).toBeGreaterThan(0);
  },
);

test("two callers at once share one build", { timeout: buildTimeoutMs }, async () => {
  const events: PartEvent[] = [];
  const start = () =>
    ensureParts({ cache, environment, names: ["pause"], onProgress: (event) => events.push(event) }).all;
  const [first, second] = await Promise.all([start(), start()]);
  expect(first.paths).toEqual(second.paths);
  const steps = events.flatMap((event) => (event.type === "advanced" ? event.step : []));
  expect(steps.filter((step) => step === "counting packages")).toHaveLength(1);
  expect(steps.filter((step) => step.startsWith("waiting for process"))).toHaveLength(1);
});

test(
  "a build that was killed goes on where it stopped, and leaves neither processes nor folders",
  { timeout: buildTimeoutMs },
  async () => {
    // A build cache of its own, so that there is something to compile.
    const goCache = join(cache, "go-build");
    const script = join(cache, "build.mjs");
    await writeFile(
      script,
      `import { ensureParts } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "ensure-parts.ts")).href)};
     const onProgress = (event) => console.log(JSON.stringify(event));
     await ensureParts({ cache: ${JSON.stringify(cache)}, environment: process.env, names: ["pause"], onProgress }).all;`,
    );
    const child = spawn(process.execPath, [script], {
      env: { ...environment, GOCACHE: goCache },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let total = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const done = readNumber(line, "done");
      total = Math.max(total, readNumber(line, "total"));
      if (done >= 10) child.kill("SIGKILL");
    }
    expect(total).toBeGreaterThan(20);
    expect(child.killed).toBe(true);
    expect(await listFolder("parts")).toEqual([]);
    expect(await listFolder("locks")).toHaveLength(1);
    await expect.poll(() => listProcesses(cache), { timeout: 20_000 }).toEqual([]);

    // What is still to be compiled is all that matters here.
    const stop = new AbortController();
    const counts: number[] = [];
    const again = ensureParts({
      cache,
      environment: { ...environment, GOCACHE: goCache },
      names: ["pause"],
      signal: stop.signal,
      onProgress: (event) => {
        if (event.type !== "advanced" || event.total === undefined) return;
        counts.push(event.total);
        stop.abort(new Error("seen"));
      },
    });
    await expect(again.all).rejects.toThrow("seen");
    expect(counts[0]).toBeGreaterThan(0);
    // A package is named when its compilation begins: the last ones were not finished.
    expect(counts[0]).toBeLessThanOrEqual(total - 5);
    expect([await listFolder("locks"), await listFolder("work")]).toEqual([[], []]);
  },
);

test(
  "a build that is called off rejects with the reason, and leaves nothing unfinished",
  { timeout: buildTimeoutMs },
  async () => {
    const stop = new AbortController();
    const handle = ensureParts({
      cache,
      environment: { ...environment, GOCACHE: join(cache, "go-build") },
      names: ["pause"],
      signal: stop.signal,
      onProgress: (event) => event.type === "advanced" && event.done === 3 && stop.abort(new Error("enough")),
    });
    await expect(handle.ready("pause")).rejects.toThrow("enough");
    await expect(handle.all).rejects.toThrow("enough");
    expect([await listFolder("parts"), await listFolder("locks"), await listFolder("work")]).toEqual([[], [], []]);
  },
);

test(
  "a part that can't be built is named with the compiler's words, and the others are got",
  { timeout: buildTimeoutMs },
  async () => {
    const text = await readFile(manifestFile, "utf8");
    const file = join(cache, "parts.yaml");
    await writeFile(file, text.replace("package: helm.sh/helm/v3/cmd/helm", "package: ./no-such-package"));
    const handle = ensureParts({ cache, environment, names: ["pause", "helm"], manifest: { file, toolchainFolder } });
    await expect(handle.all).rejects.toMatchObject({ code: "parts-incomplete" });
    await expect(handle.all).rejects.toThrow(/helm: .*\n[^]*no-such-package/);
    await expect(handle.ready("helm")).rejects.toMatchObject({ code: "command-failed" });
    expect(await handle.ready("pause")).toContain("pause");
  },
);

test("what the machine lacks is listed before anything is started, with the command that helps", async () => {
  const handle = ensureParts({ cache, environment: { PATH: "/nowhere" }, names: ["pause", "runc"] });
  await expect(handle.all).rejects.toMatchObject({ code: "tools-missing" });
  for (const name of ["nice", "apt-get", "dpkg-deb", "python3", "pip"]) {
    await expect(handle.all).rejects.toThrow(new RegExp(`${name}: .* needed: .*\\. .+`));
  }
  const thrown = await handle.all.catch((error: unknown) => error);
  expect(thrown instanceof PartError && thrown.problems.every((problem) => !problem.ok)).toBe(true);
  expect(await listFolder("work")).toEqual([]);
});

function readNumber(line: string, key: string): number {
  return Number(new RegExp(`"${key}":(\\d+)`).exec(line)?.[1] ?? 0);
}

/** Command lines of living processes that mention the folder, but for this test's own. */
async function listProcesses(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (line.includes(folder)) lines.push(line);
  }
  return lines;
}
