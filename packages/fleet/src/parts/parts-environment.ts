import { join } from "node:path";
import type { PlacedPart } from "./store.ts";

/** Where a Linux system keeps its own programs. */
const systemFolders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/**
 * The environment in which parts find each other: containerd its shim and runc, plugins and kube-proxy iptables,
 * unpacked programs their libraries. Complete for starting a program; it takes nothing from this process.
 */
export function buildPartsEnvironment(placed: readonly PlacedPart[]): Record<string, string> {
  const list = (select: (each: PlacedPart) => readonly string[]): string[] =>
    placed.flatMap((each) => select(each).map((path) => join(each.folder, path)));
  const environment: Record<string, string> = {
    PATH: [...list(({ part }) => part.binFolders), ...systemFolders].join(":"),
  };
  const libraries = list(({ part }) => part.libraryFolders);
  if (libraries.length > 0) environment["LD_LIBRARY_PATH"] = libraries.join(":");
  for (const { part, folder } of placed) {
    for (const [name, path] of Object.entries(part.variables)) environment[name] = join(folder, path);
  }
  return environment;
}
