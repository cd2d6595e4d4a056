import { type Operation, operationSchema } from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";
import type { Operation as OperationRow, OperationStep as StepRow } from "../generated/client.ts";

const kindSchema = operationSchema.shape.kind;
const stateSchema = operationSchema.shape.state;

/** An operation as the contract has it. @param steps in their order */
export function toOperation(row: OperationRow, steps: readonly Pick<StepRow, "name" | "finishedAt">[]): Operation {
  return {
    id: row.id,
    kind: kindSchema.parse(row.kind),
    object: { kind: row.objectKind, id: row.objectId, name: row.objectName },
    state: stateSchema.parse(row.state),
    generation: row.generation,
    reason: row.reason,
    message: row.message,
    requestedBy: row.requestedBy,
    steps: steps.map(({ name, finishedAt }) => ({ name, finishedAt: finishedAt.toISOString() })),
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

/** Ids of the live operations of many objects of one kind, by the objects' ids: there is at most one each. */
export async function loadLiveOperations(
  transaction: Transaction,
  objectKind: "cluster" | "control-plane",
  objectIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await transaction.operation.findMany({
    where: { objectKind, objectId: { in: [...objectIds] }, finishedAt: null },
    select: { id: true, objectId: true },
  });
  return new Map(rows.map((row) => [row.objectId, row.id]));
}
