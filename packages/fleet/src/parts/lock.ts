import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { readErrorCode } from "./part-error.ts";

const OwnerSchema = z.strictObject({
  pid: z.int(),
  /** Field 22 of /proc/PID/stat: with the pid it names one process until the machine restarts. */
  startTicks: z.string(),
  token: z.string(),
});
type Owner = z.infer<typeof OwnerSchema>;

/** A held lock. */
export interface Lock {
  /** Gives the lock back. Never throws; a second call does nothing. */
  release: () => Promise<void>;
}

/** When a process started, in clock ticks since the machine did; undefined when there is no such process. */
export async function readStartTicks(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The command's name may hold spaces and brackets; the fields after it do not.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/**
 * Takes the lock that a file stands for, waiting while a living process has it. The file of a process that is gone
 * is taken away. Two callers of one process exclude each other as well.
 * @param options.onWait is called once, with the owner's process id, when there is something to wait for.
 * @throws the signal's reason when it is called off.
 */
export async function acquireLock(
  file: string,
  options: { signal: AbortSignal; onWait?: (pid: number) => void; pollMs?: number },
): Promise<Lock> {
  await mkdir(dirname(file), { recursive: true });
  const owner: Owner = {
    pid: process.pid,
    startTicks: (await readStartTicks(process.pid)) ?? "0",
    token: randomUUID(),
  };
  const draft = `${file}.${owner.token}`;
  // Written aside and linked, so that nobody ever reads half a lock.
  let hasWaited = false;
  try {
    await writeFile(draft, JSON.stringify(owner));
    for (;;) {
      options.signal.throwIfAborted();
      if (await linkFile(draft, file)) return { release: () => removeOwn(file, owner.token) };
      const holder = await readHolder(file);
      if (holder === "absent" || (holder === "dead" && (await removeDead(file, draft)))) continue;
      if (holder !== "dead" && !hasWaited) {
        options.onWait?.(holder.pid);
        hasWaited = true;
      }
      await sleep(options.pollMs ?? 200, undefined, { signal: options.signal });
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Whether the file could be given that second name; false when the name is taken. */
async function linkFile(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (readErrorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Who has a lock: a living process, one that has ended (or a file that makes no sense), or nobody. */
async function readHolder(file: string): Promise<Owner | "dead" | "absent"> {
  let owner: Owner;
  try {
    owner = OwnerSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    return readErrorCode(error) === "ENOENT" ? "absent" : "dead";
  }
  return (await readStartTicks(owner.pid)) === owner.startTicks ? owner : "dead";
}

/** Longer than taking a dead lock away can last; a guard this old was left by a process that was killed in it. */
const staleGuardMs = 10_000;

/**
 * Takes a dead process's lock away. Only who has the guard may do so, and looks again first: else it could be the lock
 * of one who was faster.
 * @returns whether it is gone; else another is about it.
 */
async function removeDead(file: string, draft: string): Promise<boolean> {
  const guard = `${file}.guard`;
  if (!(await linkFile(draft, guard))) {
    const age = await stat(guard).then(
      ({ ctimeMs }) => Date.now() - ctimeMs,
      () => 0,
    );
    if (age > staleGuardMs) await rm(guard, { force: true });
    return false;
  }
  try {
    if ((await readHolder(file)) === "dead") await rm(file, { force: true });
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

/** Removes what processes left in a folder of locks that were killed while they waited. */
export async function sweepLockDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!/\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)) continue;
    const draft = join(folder, name);
    if ((await readHolder(draft)) === "dead") await rm(draft, { force: true });
  }
}

async function removeOwn(file: string, token: string): Promise<void> {
  const holder = await readHolder(file);
  if (typeof holder === "object" && holder.token === token) await rm(file, { force: true }).catch(() => undefined);
}
