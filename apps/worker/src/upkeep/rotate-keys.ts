import {
  countOlderSeals,
  type Database,
  findSealingKey,
  listSealedTo,
  registerSealingKeys,
  replaceSeal,
  retireSealingKeys,
  type SealedText,
} from "@pilothouse/core";
import type { KeyRing } from "../key-ring.ts";
import { describeError, type Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";

export interface RotationOptions {
  database: Database;
  keys: KeyRing;
  metrics: Metrics;
  log: Log;
  /** Secrets read at a time. */
  batchSize?: number;
  /** Most batches of one run; the next run goes on. */
  mostBatches?: number;
}

/**
 * Makes known the keys that have come into the folder, seals anew to the newest what is sealed to older ones that this worker can open, and retires
 * keys that nothing is sealed to any more. Each secret stays in its row, bound to it as before; it can be opened at every moment. Workers may do
 * this at the same time: the second to come changes nothing.
 */
export async function rotateSealingKeys(options: RotationOptions): Promise<void> {
  const { database, keys, metrics, log } = options;
  await keys.reload();
  const own = keys.listPublicKeys();
  await registerSealingKeys(database, own);
  const newest = await findSealingKey(database);
  if (newest === null || own[0]?.id !== newest.id) {
    log("error", "this worker does not have the newest sealing key, and can't open what is sealed to it", {
      key: newest?.id ?? "none",
    });
    return;
  }
  const older = own.map(({ id }) => id).filter((id) => id !== newest.id);
  const resealed = await resealAll(options, older);
  if (resealed > 0) {
    metrics.resealedSecrets.inc(resealed);
    log("info", "secrets were sealed anew to the newest key", { key: newest.id, secrets: resealed });
  }
  metrics.olderSeals.set(await countOlderSeals(database, newest.id));
  for (const key of await retireSealingKeys(database))
    log("info", "a sealing key is retired: nothing is sealed to it, and its file may be deleted", { key });
}

/** Answers how many were sealed anew. */
async function resealAll(options: RotationOptions, keyIds: readonly string[]): Promise<number> {
  const { database, log, batchSize = 50, mostBatches = 40 } = options;
  if (keyIds.length === 0) return 0;
  let resealed = 0;
  let after: string | undefined;
  for (let batch = 0; batch < mostBatches; batch += 1) {
    const sealed = await listSealedTo(database, { keyIds, after, limit: batchSize });
    for (const one of sealed) {
      try {
        if (await resealOne(options, one)) resealed += 1;
      } catch (error) {
        // The others are not to wait for it; its key is not retired.
        log("error", "a secret could not be sealed anew", { secret: one.binding.id, error: describeError(error) });
      }
    }
    if (sealed.length < batchSize) break;
    after = sealed.at(-1)?.binding.id;
  }
  return resealed;
}

async function resealOne({ database, keys }: RotationOptions, sealed: SealedText): Promise<boolean> {
  const anew = await keys.sealText(sealed.binding, await keys.openText(sealed));
  return replaceSeal(database, sealed, anew);
}
