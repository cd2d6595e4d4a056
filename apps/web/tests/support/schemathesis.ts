import { execFile, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { readSchemathesisReport, type SchemathesisReport } from "./schemathesis-report.ts";

const run = promisify(execFile);
const requirements = resolve(import.meta.dirname, "../schemathesis.requirements.txt");
const configuration = resolve(import.meta.dirname, "../schemathesis.toml");
const installTimeoutMs = 5 * 60_000;

/**
 * Sees to it that schemathesis is there, in the versions of the requirements file: from the cache, or by the machine's pip, which installs
 * it and all that it needs into a folder of its own and compares the checksums.
 * @returns the folder, for PYTHONPATH
 * @throws Error that says what is missing, and the command that helps
 */
export async function obtainSchemathesis(): Promise<string> {
  const abi = await askPython("import sysconfig; print(sysconfig.get_config_var('SOABI'))");
  const recipe = createHash("sha256")
    .update(await readFile(requirements))
    .update(abi)
    .digest("hex")
    .slice(0, 12);
  const { PILOTHOUSE_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = PILOTHOUSE_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "pilothouse");
  const folder = resolve(cache, "schemathesis", `${abi}-${recipe}`);
  if (existsSync(folder)) return folder;
  await askPython("import pip");
  const work = `${folder}.${randomUUID().slice(0, 8)}`;
  await mkdir(work, { recursive: true });
  const choice = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--requirement", requirements];
  const manner = ["--quiet", "--disable-pip-version-check", "--no-input", "--root-user-action=ignore"];
  try {
    await run("python3", ["-m", "pip", "install", ...manner, ...choice, "--target", work], {
      timeout: installTimeoutMs,
    });
    await rename(work, folder).catch((error: unknown) => {
      // Another run was faster.
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } catch (error) {
    throw new Error(
      `pip could not get schemathesis. It has to reach PyPI, or an index of one's own (PIP_INDEX_URL). By hand: python3 -m pip install ${choice.join(" ")} --target FOLDER\n${describe(error)}`,
      { cause: error },
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function askPython(program: string): Promise<string> {
  try {
    return (await run("python3", ["-c", program], { timeout: 30_000 })).stdout.trim();
  } catch (error) {
    throw new Error(
      `schemathesis needs Python 3.11 or newer, as python3, and its pip: apt-get install python3 python3-pip\n${describe(error)}`,
      { cause: error },
    );
  }
}

function describe(error: unknown): string {
  const said: unknown = error instanceof Error ? Reflect.get(error, "stderr") : undefined;
  return typeof said === "string" && said !== "" ? said.trim() : String(error);
}

/** What to run schemathesis against. */
export interface SchemathesisTarget {
  /** The OpenAPI document, as JSON. Fetched by schemathesis itself, the operation that it came from would be left out. */
  document: string;
  /** Where the document's paths begin. */
  baseUrl: string;
  apiKey: string;
  timeoutMs: number;
  /** More parameters of its command line. */
  parameters?: string[];
}

/**
 * Runs schemathesis to its end, with apps/web/tests/schemathesis.toml.
 * @param folder as `obtainSchemathesis` returned it
 * @returns its report, and what it wrote for people
 */
export async function runSchemathesis(
  folder: string,
  target: SchemathesisTarget,
): Promise<{ report: SchemathesisReport; output: string; code: number | null }> {
  const home = await mkdtemp(join(tmpdir(), "pilothouse-schemathesis-"));
  const events = join(home, "events.ndjson");
  const document = join(home, "openapi.json");
  await writeFile(document, target.document);
  const what = ["run", document, "--url", target.baseUrl, "--checks", "all"];
  const how = ["--no-color", "--report", "ndjson", "--report-ndjson-path", events, ...(target.parameters ?? [])];
  const child = spawn("python3", ["-s", "-m", "schemathesis.cli", "--config-file", configuration, ...what, ...how], {
    cwd: home,
    // The key is not an argument, which every user of the machine could read.
    env: {
      NODE_ENV: "test",
      PATH: process.env["PATH"],
      HOME: home,
      PYTHONPATH: folder,
      PILOTHOUSE_API_KEY: target.apiKey,
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: target.timeoutMs,
    killSignal: "SIGKILL",
  });
  const output: string[] = [];
  child.stdout.on("data", (piece: Buffer) => output.push(piece.toString()));
  child.stderr.on("data", (piece: Buffer) => output.push(piece.toString()));
  try {
    const code = await new Promise<number | null>((settle, reject) => {
      child.once("error", reject);
      child.once("close", settle);
    });
    const text = await readFile(events, "utf8").catch(() => "");
    if (text === "") throw new Error(`schemathesis wrote no report, and ended with ${code}:\n${output.join("")}`);
    return { report: readSchemathesisReport(text), output: output.join(""), code };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
