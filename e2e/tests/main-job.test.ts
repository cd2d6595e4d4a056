import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { fleetEnvironment, lines, testFleet } from "./support/test-fleet.ts";

const program = join(import.meta.dirname, "../src/main-job.ts");
const fleetProgram = join(import.meta.dirname, "../../packages/fleet/src/cli.ts");

async function runMainJob(...parameters: string[]): Promise<{ text: string; elapsedMs: number }> {
  const startedMs = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, [program, "--name", testFleet.name, ...parameters], {
    env: fleetEnvironment,
    timeout: 180_000,
  });
  return { text: stdout, elapsedMs: performance.now() - startedMs };
}

/** What the main job may take with the fleet up; it takes 5 to 10 s. */
const longestMs = 15_000;

test.each(lines)("the main job on line %s ends with all four proofs", async (line) => {
  const { text, elapsedMs } = await runMainJob("--version", line);
  for (const proof of ["admission", "injection", "certificate", "discovery"])
    expect(text).toMatch(new RegExp(`proven +${proof}`));
  expect(text).not.toContain("FAILED");
  expect(elapsedMs).toBeLessThan(longestMs);
  expect(text).toMatch(/istiod's token is valid until \d{4}-.+Run this again before then/);
  expect(text).toContain(`Revision shop-${line.replace(".", "-")} (istiod ${line}-dev) serves shop`);
});

test("run again it finds everything in place, and --remove takes it away", async () => {
  const again = await runMainJob("--version", "1.32");
  expect(again.text).toContain("Connected to proven in");
  expect(again.elapsedMs).toBeLessThan(longestMs);
  // What it says works as it stands.
  const look = /npm run fleet -- (kubectl .+)/.exec(again.text)?.[1]?.split(" ") ?? [];
  const pods = await promisify(execFile)(process.execPath, [fleetProgram, ...look], { env: fleetEnvironment });
  expect(pods.stdout).toMatch(/istiod-\S+ +1\/1 +Running/);
  expect((await runMainJob("--version", "1.22", "--remove")).text).toContain("shop stays connected");
  expect((await runMainJob("--version", "1.32", "--remove")).text).toContain("shop disconnected");
  expect((await runMainJob("--version", "1.32", "--remove")).text).toContain("nothing to remove");
});

test("a line that does not exist is refused with those that do", async () => {
  await expect(runMainJob("--version", "1.5")).rejects.toThrow(
    /there is no version of line 1\.5; there are 1\.22, 1\.32/,
  );
});
