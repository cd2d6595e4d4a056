import { join } from "node:path";
import { hashFile } from "./checksum.ts";
import { runCommand } from "./command.ts";
import type { PartSourceOf } from "./manifest.ts";
import { PartError } from "./part-error.ts";
import type { SourceContext, SourceResult } from "./source-context.ts";

const downloadTimeoutMs = 15 * 60_000;
const unpackTimeoutMs = 5 * 60_000;

/**
 * Gets one wheel with the machine's pip, compares its checksum and unpacks it as pip does, which keeps the programs'
 * modes and refuses a wheel of another platform.
 * @throws PartError "checksum-mismatch"; "command-failed" with pip's own words.
 */
export async function getWheel(
  source: Omit<PartSourceOf<"pypi">, "kind">,
  context: SourceContext,
): Promise<SourceResult> {
  const { environment, signal } = context;
  const pip = ["python3", "-m", "pip"] as const;
  const quiet = ["--quiet", "--disable-pip-version-check", "--no-input"] as const;
  context.onStep("downloading");
  await runCommand({
    command: [
      ...pip,
      "download",
      ...quiet,
      "--no-deps",
      "--only-binary=:all:",
      "--dest",
      context.scratch,
      `${source.package}==${source.version}`,
    ],
    folder: context.scratch,
    environment,
    signal,
    timeoutMs: downloadTimeoutMs,
  });
  const wheel = join(context.scratch, source.file);
  const found = await hashFile(wheel, "sha256").catch((error: unknown) => {
    const message = `pip got no ${source.file} for ${source.package} ${source.version}: this machine's platform may be another than the manifest's.`;
    throw new PartError("version-unavailable", message, { cause: error });
  });
  if (found !== source.sha256) {
    const message = `${source.file} has sha256 ${found}, the manifest says ${source.sha256}. It was not unpacked. If the index you use rebuilds wheels, use another.`;
    throw new PartError("checksum-mismatch", message);
  }
  context.onStep("unpacking");
  await runCommand({
    command: [
      ...pip,
      "install",
      ...quiet,
      "--no-deps",
      "--no-index",
      "--no-compile",
      "--no-warn-script-location",
      "--root-user-action=ignore",
      "--target",
      context.work,
      wheel,
    ],
    folder: context.scratch,
    environment,
    signal,
    timeoutMs: unpackTimeoutMs,
  });
  return { used: { [source.package]: source.version }, notes: [] };
}
