import { spawn } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

const root = resolve(import.meta.dirname, "../../../..");
const sources = [
  "apps/web/{src/**/*.{ts,tsx,css},next.config.ts,package.json}",
  "packages/{contract,core}/src/**/*.ts",
  "package-lock.json",
];

/**
 * Once for the whole run: builds the web application, if a test file of it runs, and unless the last build is newer than everything it is
 * made of.
 */
export default async function setup(project: TestProject): Promise<void> {
  const tests = join(root, "apps/web/tests/");
  if (!project.vitest.state.getPaths().some((path) => path.startsWith(tests))) return;
  const built = join(root, "apps/web/.next/BUILD_ID");
  const newest = Math.max(
    ...globSync(sources, { cwd: root, exclude: (path) => path.endsWith(".test.ts") }).map(
      (path) => statSync(join(root, path)).mtimeMs,
    ),
  );
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  const output: string[] = [];
  const child = spawn(process.execPath, [join(root, "node_modules/next/dist/bin/next"), "build"], {
    cwd: join(root, "apps/web"),
    env: { NODE_ENV: "production", PATH: process.env["PATH"], NEXT_TELEMETRY_DISABLED: "1" },
  });
  child.stdout.on("data", (piece: Buffer) => output.push(piece.toString()));
  child.stderr.on("data", (piece: Buffer) => output.push(piece.toString()));
  const code = await new Promise<number | null>((settle) => child.once("close", settle));
  if (code !== 0) throw new Error(`next build ended with ${code}:\n${output.join("")}`);
}
