import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { renderChart } from "./helm-template.ts";

const request = { release: "a", namespace: "b", values: { secret: "in-values" } };

/** A program that stands in for Helm where only the way it is called and how it ends matters. */
async function writeProgram(body: string): Promise<{ helm: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "pilothouse-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const helm = join(folder, "program");
  await writeFile(helm, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return { helm, folder };
}

test("a program that is not there is named", async () => {
  const rendering = renderChart({ chart: "/a" }, request, { helm: "/does/not/exist" });
  await expect(rendering).rejects.toMatchObject({ kind: "user", code: "HelmMissing" });
  await expect(rendering).rejects.toThrow(/"\/does\/not\/exist"/);
});

test("values go in by standard input only, the version only when given", async () => {
  const { helm, folder } = await writeProgram(`
printf '%s\\n' "$@" > "$(dirname "$0")/args"
cat > "$(dirname "$0")/input"
echo 'apiVersion: v1'; echo 'kind: A'; echo 'metadata: {name: one}'`);
  const plain = await renderChart({ chart: "oci://host/istiod" }, request, { helm });
  expect(plain.map(({ metadata }) => metadata.name)).toEqual(["one"]);
  const args = (await readFile(join(folder, "args"), "utf8")).trim().split("\n");
  expect(args.slice(-3)).toEqual(["--", "a", "oci://host/istiod"]);
  expect(args).not.toContain("--version");
  expect(args.join(" ")).not.toContain("in-values");
  expect(await readFile(join(folder, "input"), "utf8")).toBe('{"secret":"in-values"}');

  await renderChart(
    { chart: "repo/istiod", chartVersion: "1.2.3" },
    { ...request, includeCrds: true },
    { helm, helmHome: folder },
  );
  const versioned = (await readFile(join(folder, "args"), "utf8")).trim().split("\n");
  expect(versioned).toContain("--include-crds");
  expect(versioned[versioned.indexOf("--version") + 1]).toBe("1.2.3");
  expect(versioned).toContain(join(folder, "repositories.yaml"));
});

test("Helm gets what it finds programs and registries by, and nothing else of this process's environment", async () => {
  const { helm, folder } = await writeProgram(`
env > "$(dirname "$0")/env"
cat > /dev/null; echo 'apiVersion: v1'; echo 'kind: A'; echo 'metadata: {name: one}'`);
  vi.stubEnv("DATABASE_URL", "postgres://worker:secret@db/p");
  vi.stubEnv("HTTPS_PROXY", "http://proxy.test:3128");
  onTestFinished(() => void vi.unstubAllEnvs());
  await renderChart({ chart: "/a" }, request, { helm });
  const seen = await readFile(join(folder, "env"), "utf8");
  expect(seen).toMatch(/^PATH=/m);
  expect(seen).toContain("HTTPS_PROXY=http://proxy.test:3128");
  expect(seen).not.toContain("secret");
});

test("Helm's own files go to a folder that is gone afterwards", async () => {
  const { helm, folder } = await writeProgram(`
printf '%s\\n' "$@" > "$(dirname "$0")/args"
cat > /dev/null; echo "Error: boom" >&2; exit 1`);
  await expect(renderChart({ chart: "/a" }, request, { helm })).rejects.toMatchObject({ code: "ChartRenderFailed" });
  const args = (await readFile(join(folder, "args"), "utf8")).trim().split("\n");
  const home = dirname(args[args.indexOf("--repository-config") + 1] ?? "");
  expect(home).toContain("pilothouse-helm-");
  await expect(access(home)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a chart that can't be got is the user's to mend, one that can't be rendered is not", async () => {
  const missing = await writeProgram(`cat > /dev/null; echo 'Error: path "/a" not found' >&2; exit 1`);
  await expect(renderChart({ chart: "/a" }, request, missing)).rejects.toMatchObject({
    kind: "user",
    code: "ChartNotFound",
  });
  const broken = await writeProgram(`cat > /dev/null; echo 'Error: template: a.yaml: value not found' >&2; exit 1`);
  const rendering = renderChart({ chart: "/a" }, request, broken);
  await expect(rendering).rejects.toMatchObject({ kind: "unknown", code: "ChartRenderFailed" });
  await expect(rendering).rejects.toThrow(/template: a\.yaml: value not found/);
});

test("a program that hangs is ended at the time limit, and when the caller cancels", async () => {
  const { helm } = await writeProgram("exec sleep 60");
  await expect(renderChart({ chart: "/a" }, request, { helm, timeoutMs: 100 })).rejects.toMatchObject({
    kind: "transient",
    code: "HelmTimeout",
  });
  const stop = new AbortController();
  const running = renderChart({ chart: "/a" }, request, { helm, signal: stop.signal });
  setTimeout(() => stop.abort(), 50);
  await expect(running).rejects.toMatchObject({ code: "Cancelled" });
  await expect(renderChart({ chart: "/a" }, request, { helm, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "Cancelled",
  });
});
