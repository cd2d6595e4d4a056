import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import type { Header, Pack } from "tar-stream";
import { hashFile } from "./checksum.ts";
import { describeError, PartError } from "./part-error.ts";
import { sortKeys } from "./recipe.ts";
import { createWorkFolder, removeFolder } from "./store.ts";

/** A container image of one layer, made from files of this machine. */
export interface ImageRecipe {
  /** In full, as container runtimes store it: docker.io/istio/pilot:1.32-dev. */
  name: string;
  /** Absolute path in the image -> file on this machine. All become 0755, owned by root. */
  files: Readonly<Record<string, string>>;
  entrypoint: readonly string[];
  /** User and group ids, as 1337:1337. */
  user: string;
  workingDir: string;
}

/** Raised when images made by an older version of this code must be made anew. */
const imageFormat = 1;

/** The same for every image, so that equal content has equal bytes. */
const epoch = new Date(0);

/** Users that files and processes of our images have, root and nobody beside the image's own. */
function describeAccounts(user: string): Record<string, string> {
  const [uid = "0", gid = uid] = user.split(":");
  const own = uid === "0" ? "" : `app:x:${uid}:${gid}::/:/sbin/nologin\n`;
  return {
    "/etc/passwd": `root:x:0:0:root:/:/sbin/nologin\n${own}nobody:x:65534:65534:nobody:/:/sbin/nologin\n`,
    "/etc/group": `root:x:0:\n${gid === "0" ? "" : `app:x:${gid}:\n`}nogroup:x:65534:\n`,
    // Without it, Go's resolver would not look into /etc/hosts first.
    "/etc/nsswitch.conf": "hosts: files dns\n",
  };
}

/**
 * Makes an image as a tar in the form of `docker save`, which `ctr images import` takes, and answers its path. It holds
 * the given files, /etc/passwd, /etc/group, /etc/nsswitch.conf and a world-writable /tmp. The tar is kept in the cache
 * under the recipe and the files' sizes and times; the same content always gives the same bytes.
 * @throws PartError "output-missing" when a file can't be read.
 */
export async function ensureImage(options: { cache: string; signal?: AbortSignal } & ImageRecipe): Promise<string> {
  const { cache, signal, ...recipe } = options;
  signal?.throwIfAborted();
  const folder = join(resolve(cache), "images");
  const key = await hashImageRecipe(recipe);
  const file = join(folder, `${recipe.name.replaceAll(/[^A-Za-z0-9.-]+/g, "_")}-${key.slice(0, 12)}.tar`);
  if (await exists(file)) return file;
  const work = await createWorkFolder(resolve(cache));
  try {
    const layer = join(work, "layer.tar");
    await writeTar(layer, (tar) => addLayerEntries(tar, recipe), signal);
    const image = join(work, "image.tar");
    await writeTar(image, (tar) => addImageEntries(tar, recipe, layer), signal);
    await mkdir(folder, { recursive: true });
    await rename(image, file);
    return file;
  } finally {
    await removeFolder(work);
  }
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

async function hashImageRecipe(recipe: ImageRecipe): Promise<string> {
  const sources: Record<string, unknown> = {};
  for (const [target, file] of Object.entries(recipe.files)) {
    const { size, mtimeMs } = await stat(file).catch((error: unknown) => {
      const message = `${file} can't be read for the image ${recipe.name}: ${describeError(error)}. Get the parts again.`;
      throw new PartError("output-missing", message, { cause: error });
    });
    sources[target] = { file, size, mtimeMs };
  }
  return createHash("sha256")
    .update(JSON.stringify(sortKeys({ format: imageFormat, ...recipe, files: sources })))
    .digest("hex");
}

async function writeTar(file: string, fill: (tar: Pack) => Promise<void>, signal: AbortSignal | undefined) {
  const tar = pack();
  const written = pipeline(tar, createWriteStream(file), signal === undefined ? {} : { signal });
  await Promise.all([
    fill(tar).catch((error: unknown) => {
      tar.destroy(error instanceof Error ? error : new Error(describeError(error)));
      throw error;
    }),
    written,
  ]);
}

async function addLayerEntries(tar: Pack, recipe: ImageRecipe): Promise<void> {
  const accounts = describeAccounts(recipe.user);
  const paths = [...Object.keys(accounts), ...Object.keys(recipe.files), "/tmp/"];
  for (const folder of listFolders(paths)) {
    await addEntry(tar, { name: folder, type: "directory", mode: folder === "tmp/" ? 0o1777 : 0o755 });
  }
  for (const [path, text] of Object.entries(accounts)) {
    await addEntry(tar, { name: path.slice(1), mode: 0o644 }, text);
  }
  for (const path of Object.keys(recipe.files).toSorted()) {
    await addFile(tar, path.slice(1), 0o755, recipe.files[path] ?? "");
  }
  tar.finalize();
}

/** The folders above the given absolute paths, parents first, as a tar names them. */
function listFolders(paths: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of paths) {
    const names = path.split("/").slice(1, -1);
    for (let depth = 1; depth <= names.length; depth += 1) folders.add(`${names.slice(0, depth).join("/")}/`);
  }
  return [...folders].toSorted();
}

async function addImageEntries(tar: Pack, recipe: ImageRecipe, layer: string): Promise<void> {
  const layerHash = await hashFile(layer, "sha256");
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    created: epoch.toISOString(),
    config: {
      User: recipe.user,
      WorkingDir: recipe.workingDir,
      Entrypoint: recipe.entrypoint,
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${layerHash}`] },
    history: [{ created: epoch.toISOString(), created_by: "pilothouse fleet" }],
  });
  const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
  const layerName = `${layerHash}/layer.tar`;
  await addEntry(tar, { name: `${dirname(layerName)}/`, type: "directory", mode: 0o755 });
  await addFile(tar, layerName, 0o644, layer);
  await addEntry(tar, { name: configName, mode: 0o644 }, config);
  const manifest = [{ Config: configName, RepoTags: [recipe.name], Layers: [layerName] }];
  await addEntry(tar, { name: "manifest.json", mode: 0o644 }, JSON.stringify(manifest));
  tar.finalize();
}

function addEntry(tar: Pack, header: Pick<Header, "name" | "mode"> & Partial<Header>, text = ""): Promise<void> {
  const { promise, resolve: done, reject } = Promise.withResolvers<void>();
  tar.entry({ uid: 0, gid: 0, mtime: epoch, ...header }, text, (error) => (error ? reject(error) : done()));
  return promise;
}

async function addFile(tar: Pack, name: string, mode: number, file: string): Promise<void> {
  const { size } = await stat(file);
  await pipeline(createReadStream(file), tar.entry({ name, mode, size, uid: 0, gid: 0, mtime: epoch }));
}
