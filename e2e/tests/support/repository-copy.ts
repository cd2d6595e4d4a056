import { execFile } from "node:child_process";
import { cp, lstat, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../../..");

/** A copy of this repository as it is now. */
export interface RepositoryCopy {
  folder: string;
  remove: () => Promise<void>;
}

/**
 * Copies what git would commit now, without anything that was built or made since, into a folder that nobody else can enter: as it is below /root.
 * Dependencies are not installed again; their files are shared, as they never change.
 */
export async function copyRepository(): Promise<RepositoryCopy> {
  // Short, as kubelets put sockets far below it, whose paths may have 107 bytes.
  const parent = await mkdtemp(join(tmpdir(), "copy-"));
  const folder = join(parent, "p");
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await run("git", list, { cwd: root, maxBuffer: 16 * 1024 * 1024 });
  for (const path of stdout.split("\0").filter(Boolean)) {
    // What was deleted and not committed yet.
    if ((await lstat(join(root, path)).catch(() => undefined)) === undefined) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await cp(join(root, path), join(folder, path), { verbatimSymlinks: true });
  }
  for (const place of await findDependencies()) await shareFolder(join(root, place), join(folder, place));
  return { folder, remove: () => rm(parent, { recursive: true, force: true }) };
}

/** The root's node_modules, and those of workspaces that have some of their own. */
async function findDependencies(): Promise<string[]> {
  const workspaces = await Promise.all(
    ["apps", "packages"].map(async (group) => (await readdir(join(root, group))).map((name) => join(group, name))),
  );
  const places = ["", "e2e", ...workspaces.flat()].map((place) => join(place, "node_modules"));
  const found = await Promise.all(places.map((place) => lstat(join(root, place)).catch(() => undefined)));
  return places.filter((_, index) => found[index]?.isDirectory() === true);
}

async function shareFolder(from: string, to: string): Promise<void> {
  await run("cp", ["--archive", "--link", from, to]).catch(async () => {
    // Another file system: links can't lead there.
    await rm(to, { recursive: true, force: true });
    await run("cp", ["--archive", from, to]);
  });
}
