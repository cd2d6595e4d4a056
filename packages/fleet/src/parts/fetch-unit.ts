import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { acquireLock } from "./lock.ts";
import type { Lock } from "./lock.ts";
import { describeError } from "./part-error.ts";
import type { PartListener } from "./part-events.ts";
import type { SourceResult, StepListener } from "./source-context.ts";
import { createWorkFolder, findPart, publishPart, removeFolder } from "./store.ts";
import type { PartRecord, PlacedPart } from "./store.ts";

/** Whom the getting of parts tells, and what can call it off. */
export interface FetchScope {
  cache: string;
  signal: AbortSignal;
  onEvent: PartListener;
  onReady: (placed: PlacedPart, record: PartRecord) => void;
  onFailed: (placed: PlacedPart, error: unknown) => void;
}

/** What fills the work folders of a unit. */
export interface UnitWork {
  parts: readonly (PlacedPart & { work: string })[];
  scratch: string;
  onStep: StepListener;
}

/**
 * Gets parts that are made together: takes their locks, looks again whether they are still missing, has them made in
 * work folders, puts them in place.
 * @throws what stopped it, after telling of it for each part that is not there.
 */
export async function fetchUnit(
  scope: FetchScope,
  parts: readonly PlacedPart[],
  make: (work: UnitWork) => Promise<SourceResult>,
): Promise<void> {
  const startMs = performance.now();
  const open = new Set(parts);
  for (const { part } of parts) scope.onEvent({ type: "started", part: part.name, version: part.version });
  const finish = (placed: PlacedPart, record: PartRecord): void => {
    const { name, version } = placed.part;
    open.delete(placed);
    scope.onReady(placed, record);
    const elapsedMs = performance.now() - startMs;
    scope.onEvent({ type: "finished", part: name, version, elapsedMs, notes: record.notes });
  };
  const onStep: StepListener = (step, done, total) => {
    const counts = { ...(done === undefined ? {} : { done }), ...(total === undefined ? {} : { total }) };
    for (const { part } of open) scope.onEvent({ type: "advanced", part: part.name, step, ...counts });
  };
  const locks: Lock[] = [];
  let folder: string | undefined;
  try {
    // Always in the same order: two processes that want each other's locks would wait for ever.
    for (const { lockFile } of parts.toSorted((left, right) => (left.lockFile < right.lockFile ? -1 : 1))) {
      const onWait = (pid: number): void => onStep(`waiting for process ${pid}, which is getting it`);
      locks.push(await acquireLock(lockFile, { signal: scope.signal, onWait }));
    }
    for (const placed of parts) {
      const record = await findPart(placed);
      if (record !== undefined) finish(placed, record);
    }
    if (open.size === 0) return;
    folder = await createWorkFolder(scope.cache);
    const scratch = join(folder, "scratch");
    await mkdir(scratch);
    const unit: (PlacedPart & { work: string })[] = [];
    for (const placed of open) {
      const work = join(folder, placed.part.name);
      await mkdir(work);
      unit.push({ ...placed, work });
    }
    const result = await make({ parts: unit, scratch, onStep });
    for (const placed of open) {
      const made = { ...result, elapsedMs: Math.round(performance.now() - startMs) };
      finish(placed, await publishPart(placed, join(folder, placed.part.name), made));
    }
  } catch (error) {
    for (const placed of open) {
      scope.onFailed(placed, error);
      scope.onEvent({ type: "failed", part: placed.part.name, message: describeError(error) });
    }
    throw error;
  } finally {
    if (folder !== undefined) await removeFolder(folder);
    for (const lock of locks) await lock.release();
  }
}
