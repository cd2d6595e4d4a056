import { mkdir, readdir, rm, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { runCommand } from "./command.ts";
import type { PartSourceOf } from "./manifest.ts";
import { describeError, PartError } from "./part-error.ts";
import type { SourceContext, SourceResult } from "./source-context.ts";

const lookUpTimeoutMs = 60_000;
const downloadTimeoutMs = 10 * 60_000;
const unpackTimeoutMs = 2 * 60_000;

/**
 * Refreshes the machine's package lists, once however many parts ask for it. Answers what went wrong, if anything: a
 * foreign source that can't be reached fails the refresh, though the lists that matter may be new.
 */
export type ListUpdater = (context: SourceContext) => Promise<string | undefined>;

/** Makes a list updater for one call of `ensureParts`. */
export function createListUpdater(): ListUpdater {
  let once: Promise<string | undefined> | undefined;
  return (context) => (once ??= updateLists(context));
}

async function updateLists(context: SourceContext): Promise<string | undefined> {
  context.onStep("updating package lists");
  const { environment, signal, scratch } = context;
  try {
    await runCommand({
      command: ["apt-get", "update", "--quiet", "-o", "DPkg::Lock::Timeout=120"],
      folder: scratch,
      environment,
      signal,
      timeoutMs: downloadTimeoutMs,
    });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return describeError(error);
  }
}

/**
 * Gets Debian packages with the machine's apt (which checks their signatures) and unpacks them into the part's folder.
 * Nothing is installed. When an exact version is served no more, another Debian revision of the same upstream version
 * is taken and noted.
 * @throws PartError "version-unavailable" naming what is served; "command-failed" with apt's own words.
 */
export async function getDebianPackages(
  source: PartSourceOf<"apt">,
  context: SourceContext,
  update: ListUpdater,
): Promise<SourceResult> {
  let result: SourceResult;
  try {
    result = await downloadPackages(source, context);
  } catch (error) {
    context.signal.throwIfAborted();
    // Lists may be missing, or name versions that the mirror has since replaced.
    if (!(error instanceof PartError)) throw error;
    const problem = await update(context);
    for (const file of await listArchives(context.scratch)) await rm(join(context.scratch, file));
    result = await downloadPackages(source, context).catch((second: unknown) => {
      if (problem === undefined || !(second instanceof PartError)) throw second;
      const message = `${second.message}\nThe package lists could not be refreshed either (run as root: apt-get update): ${problem}`;
      throw new PartError(second.code, message, { cause: second });
    });
  }
  context.onStep("unpacking");
  const { environment, signal, scratch, work } = context;
  for (const file of await listArchives(scratch)) {
    const command = ["dpkg-deb", "--extract", file, work] as const;
    await runCommand({ command, folder: scratch, environment, signal, timeoutMs: unpackTimeoutMs });
  }
  for (const [name, target] of Object.entries(source.links)) {
    const link = join(work, name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(relative(dirname(link), join(work, target)), link);
  }
  return result;
}

const listArchives = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith(".deb"));

async function downloadPackages(source: PartSourceOf<"apt">, context: SourceContext): Promise<SourceResult> {
  const { environment, signal, scratch } = context;
  const names = Object.keys(source.packages);
  const served = parseMadison(
    await runCommand({
      command: ["apt-cache", "madison", ...names],
      folder: scratch,
      environment,
      signal,
      timeoutMs: lookUpTimeoutMs,
    }),
  );
  const used: Record<string, string> = {};
  const notes: string[] = [];
  for (const [name, version] of Object.entries(source.packages)) {
    const chosen = chooseVersion(version, served.get(name) ?? []);
    if (chosen === undefined) {
      const list = (served.get(name) ?? []).join(", ") || "none";
      const message = `Debian package ${name} ${version} is not served, nor another revision of it. Served: ${list}. Set a served version in the manifest, or add the Debian release that has it to apt's sources.`;
      throw new PartError("version-unavailable", message);
    }
    used[name] = chosen;
    if (chosen !== version) notes.push(`${name} ${chosen} instead of ${version}, which is served no more`);
  }
  context.onStep("downloading");
  await runCommand({
    // The unprivileged user of apt can't write into a cache in a home folder.
    command: [
      "apt-get",
      "download",
      "--quiet",
      "-o",
      "APT::Sandbox::User=root",
      ...names.map((name) => `${name}=${used[name] ?? ""}`),
    ],
    folder: scratch,
    environment,
    signal,
    timeoutMs: downloadTimeoutMs,
  });
  return { used, notes };
}

/** Reads `apt-cache madison`: the versions of each package that a server has, best first. */
export function parseMadison(text: string): Map<string, string[]> {
  const served = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [name, version, origin] = line.split("|").map((field) => field.trim());
    if (name === undefined || version === undefined || origin?.endsWith("Packages") !== true) continue;
    const versions = served.get(name) ?? [];
    if (!versions.includes(version)) versions.push(version);
    served.set(name, versions);
  }
  return served;
}

/** The wished version when it is served, else the best of the same upstream version, else undefined. */
export function chooseVersion(wished: string, served: readonly string[]): string | undefined {
  if (served.includes(wished)) return wished;
  return served.find((version) => readUpstreamVersion(version) === readUpstreamVersion(wished));
}

/** A Debian version without epoch and Debian revision (deb-version(7)). */
function readUpstreamVersion(version: string): string {
  const withoutEpoch = version.replace(/^\d+:/, "");
  const dash = withoutEpoch.lastIndexOf("-");
  return dash === -1 ? withoutEpoch : withoutEpoch.slice(0, dash);
}
