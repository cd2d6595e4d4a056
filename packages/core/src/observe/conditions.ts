import { z } from "zod";
import type { Transaction } from "../database/connect.ts";
import { insertEvent } from "./events.ts";
import { mergeCondition, type ObservedCondition, type StoredCondition } from "./merge-condition.ts";

/** Whose conditions, and which generation of it was looked at. */
export interface ConditionTarget {
  tenantId: string;
  objectKind: "cluster" | "revision";
  objectId: string;
  objectName: string;
  observedGeneration: number;
}

/** Of a condition. */
export const statusSchema = z.enum(["True", "False", "Unknown"]);
/** While a status is Unknown: what it was. */
export const lastKnownSchema = z.object({
  status: statusSchema,
  reason: z.string(),
  message: z.string(),
  at: z.string(),
});

/** Reads what is stored of an object. */
export async function readConditions(
  transaction: Pick<Transaction, "condition">,
  { objectKind, objectId }: Pick<ConditionTarget, "objectKind" | "objectId">,
): Promise<StoredCondition[]> {
  const rows = await transaction.condition.findMany({ where: { objectKind, objectId } });
  return rows.map((row) => ({
    type: row.type,
    status: statusSchema.parse(row.status),
    reason: row.reason,
    message: row.message,
    observedGeneration: row.observedGeneration,
    lastTransitionAt: row.lastTransitionAt,
    lastKnown: row.lastKnown === null ? null : lastKnownSchema.parse(row.lastKnown),
  }));
}

/**
 * Writes conditions that differ from what is stored, and an event for each whose status changed. Types that are not given stay as they are.
 * @param known what is stored, where the caller has read it in this transaction and nobody else can have changed it since
 * @returns all conditions of the object as they are now
 */
export async function saveConditions(
  transaction: Transaction,
  target: ConditionTarget,
  conditions: readonly ObservedCondition[],
  known?: readonly StoredCondition[],
): Promise<StoredCondition[]> {
  const before = known ?? (await readConditions(transaction, target));
  const stored = new Map(before.map((condition) => [condition.type, condition]));
  const now = new Date();
  for (const condition of conditions) {
    const former = stored.get(condition.type);
    const after = mergeCondition(former, condition, target.observedGeneration, now);
    if (after === former) continue;
    await writeCondition(transaction, target, after);
    stored.set(after.type, after);
    if (former?.status === after.status) continue;
    const { tenantId, objectKind, objectId, objectName } = target;
    await insertEvent(transaction, {
      tenantId,
      type: `${objectKind}.condition`,
      objectKind,
      objectId,
      objectName,
      reason: after.reason,
      message: `${after.type} is ${after.status}: ${after.message}`,
    });
  }
  return [...stored.values()];
}

async function writeCondition(
  transaction: Transaction,
  { tenantId, objectKind, objectId }: ConditionTarget,
  { type, status, reason, message, observedGeneration, lastTransitionAt, lastKnown }: StoredCondition,
): Promise<void> {
  const known = lastKnown === null ? null : JSON.stringify(lastKnown);
  await transaction.$executeRaw`
    INSERT INTO conditions (tenant_id, object_kind, object_id, type, status, reason, message, observed_generation, last_transition_at, last_known)
    VALUES (${tenantId}::uuid, ${objectKind}, ${objectId}, ${type}, ${status}, ${reason}, ${message}, ${observedGeneration}, ${lastTransitionAt}, ${known}::jsonb)
    ON CONFLICT (object_kind, object_id, type) DO UPDATE SET status = EXCLUDED.status, reason = EXCLUDED.reason, message = EXCLUDED.message,
      observed_generation = EXCLUDED.observed_generation, last_transition_at = EXCLUDED.last_transition_at, last_known = EXCLUDED.last_known`;
}
