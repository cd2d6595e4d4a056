import { chmod, copyFile, mkdir, readdir, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { runCommand } from "./command.ts";
import type { Environment } from "./command.ts";
import { goEnvironment } from "./go-tool.ts";
import type { GoTool } from "./go-tool.ts";
import type { Part, PartSourceOf } from "./manifest.ts";
import { describeError, PartError } from "./part-error.ts";
import { goBuildFlags } from "./recipe.ts";
import type { SourceContext, SourceResult, StepListener } from "./source-context.ts";

const downloadTimeoutMs = 20 * 60_000;
const buildTimeoutMs = 60 * 60_000;
/** Downloads wait for the network, so more of them go at once than there are cores. */
const parallelDownloads = "8";

/** A Go command's surroundings. */
export interface GoContext {
  go: GoTool;
  toolchainFolder: string;
  scratch: string;
  environment: Environment;
  signal: AbortSignal;
  onStep: StepListener;
}

/** A part that is a Go program, with its source apart. */
export interface GoPart {
  part: Part;
  source: PartSourceOf<"go">;
  /** An empty folder for the part's files. */
  work: string;
}

/**
 * Downloads what the packages of one toolchain need into Go's module cache, and only that.
 * @throws PartError "command-failed" with Go's own words.
 */
export async function downloadModules(
  toolchain: string,
  packages: readonly string[],
  context: GoContext,
): Promise<void> {
  let modules = 0;
  context.onStep("downloading modules");
  await runGo(toolchain, ["list", "-deps", "-mod=readonly", "-f", "{{/* loads */}}", ...packages], context, {
    timeoutMs: downloadTimeoutMs,
    extra: { GOMAXPROCS: parallelDownloads },
    onErrorLine: (line) => {
      if (!line.startsWith("go: downloading ")) return;
      modules += 1;
      context.onStep(`downloading modules (${modules})`);
    },
  });
}

/**
 * Compiles the programs of one toolchain by one command and leaves each in its work folder. Go's build cache keeps
 * every finished package, so that an interrupted build goes on where it stopped. The programs' stamps must be equal.
 * @throws PartError "command-failed" with the compiler's words.
 */
export async function compilePrograms(programs: readonly GoPart[], context: GoContext): Promise<SourceResult> {
  const [first] = programs;
  if (first === undefined) return { used: {}, notes: [] };
  const packages = programs.map((program) => program.source.package);
  const stamps = Object.entries(first.source.stamps).map(([variable, value]) => `-X ${variable}=${value}`);
  const flags = [...goBuildFlags, `-ldflags=${["-s", "-w", ...stamps].join(" ")}`];
  const { toolchain } = first.source;
  context.onStep("counting packages");
  const stale = new Set(
    (
      await runGo(
        toolchain,
        ["list", "-deps", ...flags, "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", ...packages],
        context,
        {
          timeoutMs: downloadTimeoutMs,
        },
      )
    )
      .split("\n")
      .filter((line) => line !== ""),
  );
  const done = new Set<string>();
  const tell = (): void => {
    const step = done.size < stale.size ? "compiling packages" : "linking";
    context.onStep(step, done.size, stale.size);
  };
  tell();
  const output = join(context.scratch, "programs");
  await mkdir(output);
  const target = programs.length === 1 ? join(output, "program") : `${output}/`;
  await runGo(toolchain, ["build", "-v", ...flags, "-o", target, ...packages], context, {
    timeoutMs: buildTimeoutMs,
    onErrorLine: (line) => {
      if (!stale.has(line)) return;
      done.add(line);
      tell();
    },
  });
  for (const program of programs) {
    const built = programs.length === 1 ? target : join(output, basename(program.source.package));
    const [path] = Object.values(program.part.outputs);
    if (path === undefined) continue;
    await mkdir(dirname(join(program.work, path)), { recursive: true });
    await rename(built, join(program.work, path));
  }
  return { used: { go: context.go.version }, notes: [] };
}

const ModuleSchema = z.object({ Dir: z.string(), Version: z.string() });

/** Copies files and folders out of a Go module, since Go's module cache may be cleaned at any time. */
export async function copyModuleFiles(
  source: PartSourceOf<"go-files">,
  context: GoContext & Pick<SourceContext, "work">,
): Promise<SourceResult> {
  context.onStep("downloading");
  const text = await runGo(source.toolchain, ["mod", "download", "-json", source.module], context, {
    timeoutMs: downloadTimeoutMs,
  });
  const module = ModuleSchema.safeParse(JSON.parse(text));
  if (!module.success) {
    throw new PartError("command-failed", `go mod download named no folder for ${source.module}: ${text.trim()}`);
  }
  context.onStep("copying");
  for (const [name, path] of Object.entries(source.files)) {
    try {
      await copyTree(join(module.data.Dir, path), join(context.work, name));
    } catch (error) {
      const message = `${path} can't be copied from ${source.module} ${module.data.Version}: ${describeError(error)}. Correct the manifest's files, or clean Go's module cache (go clean -modcache).`;
      throw new PartError("output-missing", message, { cause: error });
    }
  }
  return { used: { [source.module]: module.data.Version }, notes: [] };
}

/** Copies a tree with ordinary modes: in the module cache everything is read-only, folders as well. */
async function copyTree(from: string, to: string): Promise<void> {
  if (!(await stat(from)).isDirectory()) {
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, to);
    await chmod(to, 0o644);
    return;
  }
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) await copyTree(join(from, name), join(to, name));
}

function runGo(
  toolchain: string,
  parameters: readonly string[],
  context: GoContext,
  options: { timeoutMs: number; extra?: Environment; onErrorLine?: (line: string) => void },
): Promise<string> {
  const { onErrorLine } = options;
  return runCommand({
    command: [context.go.program, ...parameters],
    folder: join(context.toolchainFolder, toolchain),
    environment: { ...goEnvironment(context.environment, context.go, context.scratch), ...options.extra },
    signal: context.signal,
    timeoutMs: options.timeoutMs,
    ...(onErrorLine === undefined ? {} : { onErrorLine }),
  });
}
