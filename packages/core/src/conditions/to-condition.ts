import { type Condition, conditionSchema } from "@pilothouse/contract";
import { z } from "zod";
import type { Condition as ConditionRow } from "../generated/client.ts";
import type { Transaction } from "../database/connect.ts";

/** What of a row is told. */
type ConditionColumns = Omit<ConditionRow, "tenantId" | "objectKind" | "objectId" | "lastKnown"> & {
  lastKnown: unknown;
};

const statusSchema = z.enum(["True", "False", "Unknown"]);
const lastKnownSchema = conditionSchema.shape.lastKnown;

/** A condition as the contract has it. */
export function toCondition(row: ConditionColumns): Condition {
  const lastKnown = lastKnownSchema.safeParse(row.lastKnown ?? undefined).data;
  return {
    type: row.type,
    status: statusSchema.parse(row.status),
    reason: row.reason,
    message: row.message,
    observedGeneration: row.observedGeneration,
    lastTransitionAt: row.lastTransitionAt.toISOString(),
    ...(lastKnown === undefined ? {} : { lastKnown }),
  };
}

/** Conditions of many objects of one kind, by their ids, each list in the order of the types' names. */
export async function loadConditions(
  transaction: Transaction,
  objectKind: "cluster" | "revision",
  objectIds: readonly string[],
): Promise<Map<string, Condition[]>> {
  const rows = await transaction.condition.findMany({
    where: { objectKind, objectId: { in: [...objectIds] } },
    orderBy: { type: "asc" },
  });
  const found = new Map<string, Condition[]>();
  for (const row of rows) {
    const list = found.get(row.objectId) ?? [];
    list.push(toCondition(row));
    found.set(row.objectId, list);
  }
  return found;
}
