import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

const root = resolve(import.meta.dirname, "../../../..");

/** Once for the whole run: builds the web application, if a test file of it runs, and unless it is built already. */
export default async function setup(project: TestProject): Promise<void> {
  const tests = join(root, "apps/web/tests/");
  if (!project.vitest.state.getPaths().some((path) => path.startsWith(tests))) return;
  const output: string[] = [];
  const child = spawn(process.execPath, [join(root, "scripts/build-web.ts")], {
    cwd: root,
    env: { NODE_ENV: "production", PATH: process.env["PATH"] },
  });
  child.stdout.on("data", (piece: Buffer) => output.push(piece.toString()));
  child.stderr.on("data", (piece: Buffer) => output.push(piece.toString()));
  const code = await new Promise<number | null>((settle) => child.once("close", settle));
  if (code !== 0) throw new Error(`building the web application ended with ${code}:\n${output.join("")}`);
}
