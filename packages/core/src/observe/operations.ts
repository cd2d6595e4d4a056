import type { Database, Transaction } from "../database/connect.ts";
import type { Lease } from "../work/lease.ts";
import { insertEvent } from "./events.ts";

/** A change in progress. */
export interface LiveOperation {
  id: string;
  kind: string;
  tenantId: string;
  generation: number;
  objectKind: string;
  objectId: string;
  objectName: string;
  reason: string | null;
  message: string | null;
  createdAt: Date;
  startedAt: Date | null;
}

const liveFields = {
  id: true,
  kind: true,
  tenantId: true,
  generation: true,
  objectKind: true,
  objectId: true,
  objectName: true,
  reason: true,
  message: true,
  createdAt: true,
  startedAt: true,
} as const;

/** The change in progress on an object; there is one at most. */
export async function findLiveOperation(
  database: Pick<Transaction, "operation">,
  objectKind: "cluster" | "control-plane",
  objectId: string,
): Promise<LiveOperation | null> {
  return database.operation.findFirst({ where: { objectKind, objectId, finishedAt: null }, select: liveFields });
}

/**
 * Notes when the work on an operation began, the first time that it does: its steps are measured from then. Nothing is written where that is known, or
 * where the lease is lost.
 */
export async function beginOperation(
  database: Database,
  lease: Lease,
  { id, startedAt }: Pick<LiveOperation, "id" | "startedAt">,
): Promise<void> {
  if (startedAt !== null) return;
  await database.$executeRaw`
    UPDATE operations o SET started_at = clock_timestamp() FROM work_items w
    WHERE o.id = ${id}::uuid AND o.started_at IS NULL AND o.finished_at IS NULL AND w.kind = ${lease.kind} AND w.object_id = ${lease.objectId}
      AND w.fence = ${lease.fence} AND w.lease_until > clock_timestamp()`;
}

/** Says what happens now: a CamelCase reason and a sentence. Written only when it differs, and only while the operation lives. */
export async function reportOperation(
  transaction: Transaction,
  operation: LiveOperation,
  { reason, message }: { reason: string; message: string },
): Promise<void> {
  if (operation.reason === reason && operation.message === message) return;
  const count = await transaction.$executeRaw`
    UPDATE operations SET reason = ${reason}, message = ${message}, started_at = coalesce(started_at, clock_timestamp())
    WHERE id = ${operation.id}::uuid AND finished_at IS NULL`;
  if (count === 1) await insertOperationEvent(transaction, operation, "operation.changed", { reason, message });
}

/**
 * Ends an operation, unless it has ended or has been superseded. The event is the operation's own: whoever ends one tells of the object too, whose phase
 * follows from it.
 * @returns whether it ended now
 */
export async function finishOperation(
  transaction: Transaction,
  operation: LiveOperation,
  { state, reason, message }: { state: "succeeded" | "failed"; reason: string; message: string },
): Promise<boolean> {
  const count = await transaction.$executeRaw`
    UPDATE operations SET state = ${state}, reason = ${reason}, message = ${message}, started_at = coalesce(started_at, clock_timestamp()),
      finished_at = clock_timestamp()
    WHERE id = ${operation.id}::uuid AND finished_at IS NULL`;
  if (count === 1) await insertOperationEvent(transaction, operation, `operation.${state}`, { reason, message });
  return count === 1;
}

async function insertOperationEvent(
  transaction: Transaction,
  { id, kind, tenantId }: LiveOperation,
  type: string,
  text: { reason: string; message: string },
): Promise<void> {
  await insertEvent(transaction, { tenantId, type, objectKind: "operation", objectId: id, objectName: kind, ...text });
}

/**
 * Writes down that a step of an operation is done, the first time it is. One statement under the lease's fence, so that it can be written while the
 * reconcile goes on.
 */
export async function saveOperationStep(
  database: Database,
  lease: Lease,
  operation: Pick<LiveOperation, "id" | "tenantId" | "kind">,
  step: { name: string; position: number },
): Promise<void> {
  await database.$executeRaw`
    WITH held AS (
      SELECT 1 FROM work_items w JOIN operations o ON o.id = ${operation.id}::uuid AND o.finished_at IS NULL
      WHERE w.kind = ${lease.kind} AND w.object_id = ${lease.objectId} AND w.fence = ${lease.fence} AND w.lease_until > clock_timestamp()
    ), step AS (
      INSERT INTO operation_steps (operation_id, tenant_id, name, position)
      SELECT ${operation.id}::uuid, ${operation.tenantId}::uuid, ${step.name}, ${step.position}::int FROM held
      ON CONFLICT (operation_id, name) DO NOTHING RETURNING name
    )
    INSERT INTO events (tenant_id, type, object_kind, object_id, object_name, reason)
    SELECT ${operation.tenantId}::uuid, 'operation.step', 'operation', ${operation.id}, ${operation.kind}, name FROM step`;
}
