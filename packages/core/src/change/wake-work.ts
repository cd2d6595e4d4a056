import type { Job } from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";

/**
 * Wishes, inside a transaction, that an object be looked at once; its work item is made when there is none.
 * @param item.shard what its calls go to: an istiod cluster's name, or for mesh clusters the id of their tenant, so that one whose clusters do not
 * answer takes no place from others
 */
export async function wakeWork(
  transaction: Transaction,
  item: { kind: Job["kind"]; objectId: string; tenantId: string; shard: string },
): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO work_items (kind, object_id, tenant_id, shard, wakes) VALUES (${item.kind}, ${item.objectId}, ${item.tenantId}::uuid, ${item.shard}, 1)
    ON CONFLICT (kind, object_id) DO UPDATE SET wakes = work_items.wakes + 1, next_reconcile_at = clock_timestamp()`;
}
