import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { hashFile } from "./checksum.ts";
import { runCommand } from "./command.ts";
import type { PartSourceOf } from "./manifest.ts";
import { PartError } from "./part-error.ts";
import type { SourceContext, SourceResult } from "./source-context.ts";

const downloadTimeoutMs = 10 * 60_000;
const unpackTimeoutMs = 2 * 60_000;

/**
 * Gets one npm package as the registry packs it, compares its checksum and unpacks it. No dependencies, no scripts.
 * @throws PartError "checksum-mismatch"; "command-failed" with npm's own words.
 */
export async function getNpmPackage(source: PartSourceOf<"npm">, context: SourceContext): Promise<SourceResult> {
  const { environment, signal } = context;
  const name = `${source.package}@${source.version}`;
  context.onStep("downloading");
  await runCommand({
    command: ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", context.scratch, name],
    folder: context.scratch,
    environment,
    signal,
    timeoutMs: downloadTimeoutMs,
  });
  const archive = (await readdir(context.scratch)).find((file) => file.endsWith(".tgz"));
  if (archive === undefined) {
    throw new PartError("version-unavailable", `npm pack made no archive of ${name}. Try it by hand: npm pack ${name}`);
  }
  const file = join(context.scratch, archive);
  const found = `sha512-${await hashFile(file, "sha512", "base64")}`;
  if (found !== source.integrity) {
    const message = `${name} has integrity ${found}, the manifest says ${source.integrity}. It was not unpacked.`;
    throw new PartError("checksum-mismatch", message);
  }
  context.onStep("unpacking");
  await runCommand({
    command: ["tar", "--extract", "--gzip", "--no-same-owner", "--strip-components=1", "--file", file],
    folder: context.work,
    environment,
    signal,
    timeoutMs: unpackTimeoutMs,
  });
  return { used: { [source.package]: source.version }, notes: [] };
}
