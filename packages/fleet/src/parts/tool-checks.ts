import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { runCommand } from "./command.ts";
import type { Environment } from "./command.ts";
import type { PartSource } from "./manifest.ts";

/** One look at the machine. All texts are for people; `help` says what to do when it is not ok. */
export interface MachineCheck {
  name: string;
  ok: boolean;
  /** Whether a fleet can't do without it; the others are estimates or comforts. */
  required: boolean;
  found: string;
  needed: string;
  help: string;
}

/** The path of a program on the PATH, or undefined. */
export async function findProgram(name: string, environment: Environment): Promise<string | undefined> {
  for (const folder of (environment["PATH"] ?? "").split(delimiter)) {
    if (folder === "") continue;
    const file = join(folder, name);
    try {
      await access(file, constants.X_OK);
      if ((await stat(file)).isFile()) return file;
    } catch {
      // Not here; the next folder may have it.
    }
  }
  return undefined;
}

type Need = "always" | PartSource["kind"];

const tools: readonly { name: string; help: string; needs: readonly Need[] }[] = [
  { name: "nice", help: "apt-get install coreutils", needs: ["always"] },
  { name: "apt-get", help: "A Debian or a system made from it is needed.", needs: ["apt"] },
  { name: "apt-cache", help: "apt-get install apt", needs: ["apt"] },
  { name: "dpkg-deb", help: "apt-get install dpkg", needs: ["apt"] },
  { name: "python3", help: "apt-get install python3 python3-pip", needs: ["pypi"] },
  { name: "npm", help: "apt-get install npm", needs: ["npm"] },
  { name: "tar", help: "apt-get install tar", needs: ["npm"] },
];

/** Looks for the programs that getting parts of these kinds takes. Runs none of them. Go is looked for elsewhere. */
export async function checkTools(
  environment: Environment,
  kinds: ReadonlySet<PartSource["kind"]>,
): Promise<MachineCheck[]> {
  const checks: MachineCheck[] = [];
  for (const tool of tools) {
    if (!tool.needs.some((need) => need === "always" || kinds.has(need))) continue;
    const path = await findProgram(tool.name, environment);
    const needed = `the program ${tool.name}`;
    checks.push({
      name: tool.name,
      ok: path !== undefined,
      required: true,
      found: path ?? "not on the PATH",
      needed,
      help: tool.help,
    });
  }
  return checks;
}

/** Whether the machine's Python has pip. */
export async function checkPip(environment: Environment, signal: AbortSignal): Promise<MachineCheck> {
  const check = { name: "pip", needed: "pip for python3", required: true, help: "apt-get install python3-pip" };
  try {
    const command = ["python3", "-m", "pip", "--version"] as const;
    const text = await runCommand({ command, folder: "/", environment, signal, timeoutMs: 30_000 });
    return { ...check, ok: true, found: text.trim().split(" ").slice(0, 2).join(" ") };
  } catch {
    signal.throwIfAborted();
    return { ...check, ok: false, found: "python3 -m pip does not run" };
  }
}

/** Failed checks as lines for a terminal. */
export function formatProblems(problems: readonly MachineCheck[]): string {
  return problems
    .map((problem) => `  ${problem.name}: ${problem.found}; needed: ${problem.needed}. ${problem.help}`)
    .join("\n");
}
