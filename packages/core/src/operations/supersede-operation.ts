import { recordEvent } from "../change/record.ts";
import type { Transaction } from "../database/connect.ts";

/** Ends an object's live operation, if it has one, in favour of one that comes now. */
export async function supersedeOperation(
  transaction: Transaction,
  object: { tenantId: string; objectKind: string; objectId: string; now: Date },
): Promise<void> {
  const { tenantId, objectKind, objectId, now } = object;
  const live = await transaction.operation.findFirst({ where: { tenantId, objectKind, objectId, finishedAt: null } });
  if (live === null) return;
  const why = { reason: "Superseded", message: "Another operation on the same object took its place." };
  const { count } = await transaction.operation.updateMany({
    where: { id: live.id, finishedAt: null },
    data: { state: "superseded", finishedAt: now, ...why },
  });
  if (count === 0) return;
  await recordEvent(transaction, {
    tenantId,
    what: "superseded",
    object: { kind: "operation", id: live.id, name: live.kind },
    ...why,
  });
}
