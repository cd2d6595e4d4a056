/** `npm run build`: builds the portal for production, unless it was built from exactly what is there now. What it does goes to standard error. */
import { createHash } from "node:crypto";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runProgram } from "./run-program.ts";

const root = dirname(import.meta.dirname);
const web = join(root, "apps/web");
const stamp = join(web, ".next/pilothouse-sources");
const sources = [
  "apps/web/{src/**/*.{ts,tsx,css},next.config.ts,package.json,tsconfig.json}",
  "packages/{contract,core}/src/**/*.ts",
  "package-lock.json",
];

function readSources(): string {
  const hash = createHash("sha256").update(process.version);
  const paths = globSync(sources, { cwd: root, exclude: (path) => /\.test\.tsx?$/.test(path) });
  for (const path of paths.toSorted()) hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  return `${hash.digest("hex")}\n`;
}

function readStamp(): string {
  try {
    return readFileSync(stamp, "utf8");
  } catch {
    return "";
  }
}

async function main(): Promise<number> {
  const wanted = readSources();
  if (readStamp() === wanted) {
    console.error("The portal is built already.");
    return 0;
  }
  console.error("Building the portal.");
  // Written again when the build is whole, so that one that was killed is never taken for one.
  rmSync(stamp, { force: true });
  const { code, output } = await runProgram(
    process.execPath,
    [join(root, "node_modules/next/dist/bin/next"), "build"],
    { cwd: web, env: { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" }, capture: true },
  );
  if (code !== 0) console.error(output.trimEnd());
  else writeFileSync(stamp, wanted);
  return code;
}

process.exitCode = await main();
