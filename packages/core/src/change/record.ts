import type { OperationKind } from "@pilothouse/contract";
import { v7 as uuid } from "uuid";
import type { Transaction } from "../database/connect.ts";
import { toJson } from "../database/json.ts";
import type { Operation as OperationRow } from "../generated/client.ts";
import type { RequestContext } from "../request-context.ts";

/** What a change is about. `id` is a revision's id, a uuid, or a name, whichever tells such objects apart for good. */
export interface ChangedObject {
  kind:
    | "cluster"
    | "control-plane"
    | "revision"
    | "operation"
    | "tenant"
    | "region"
    | "seed"
    | "istiod-cluster"
    | "version-line"
    | "version"
    | "api-key"
    | "user"
    | "member";
  id: string;
  name: string;
}

const name = ({ actor: { principal } }: RequestContext): string => `${principal.kind}:${principal.id}`;

/**
 * Writes the audit entry of a change into its transaction.
 * @param details what was asked for, without secrets
 */
export async function recordAudit(
  transaction: Transaction,
  context: RequestContext,
  entry: { tenantId: string | null; verb: string; object: ChangedObject; details?: unknown },
): Promise<void> {
  await transaction.auditEntry.createMany({
    data: {
      tenantId: entry.tenantId,
      actor: name(context),
      verb: entry.verb,
      objectKind: entry.object.kind,
      objectId: entry.object.id,
      objectName: entry.object.name,
      requestId: context.actor.requestId,
      ...(entry.details === undefined ? {} : { details: toJson(entry.details) }),
    },
  });
}

/** Writes down that somebody came into a tenant by an invitation, and tells the tenant, whose rows the transaction sees from then on. */
export async function recordEntrance(
  transaction: Transaction,
  { tenantId, userId, email, requestId }: { tenantId: string; userId: string; email: string; requestId: string },
): Promise<void> {
  const object = { kind: "member", id: userId, name: email } as const;
  await transaction.$executeRaw`SELECT set_config('pilothouse.tenant', ${tenantId}, true)`;
  await transaction.auditEntry.createMany({
    data: {
      tenantId,
      actor: `user:${userId}`,
      verb: "joinTenant",
      objectKind: object.kind,
      objectId: object.id,
      objectName: object.name,
      requestId,
    },
  });
  await recordEvent(transaction, { tenantId, what: "changed", object });
}

/** Something that a person did with an account of its own, beside all tenants. */
export interface OwnDeed {
  userId: string;
  verb: "signIn" | "signOut" | "revokeSession" | "changePassword" | "acceptInvitation";
  requestId: string;
  /** Without secrets. */
  details?: Record<string, string>;
}

/**
 * Writes down what somebody did with an account of its own, into that transaction, as its last part: it sees the platform's rows from then on. It is
 * the platform's to read, as a person may belong to several tenants, or to none.
 */
export async function recordOwnDeed(transaction: Transaction, deed: OwnDeed): Promise<void> {
  const { userId, verb, requestId, details } = deed;
  await transaction.$executeRaw`SELECT set_config('pilothouse.platform', 'on', true)`;
  const { email } = await transaction.user.findUniqueOrThrow({ where: { id: userId }, select: { email: true } });
  await transaction.auditEntry.createMany({
    data: {
      actor: `user:${userId}`,
      verb,
      objectKind: "user",
      objectId: userId,
      objectName: email,
      requestId,
      ...(details === undefined ? {} : { details }),
    },
  });
}

/** Writes an event of a tenant into the transaction of what it tells of. */
export async function recordEvent(
  transaction: Transaction,
  event: { tenantId: string; what: string; object: ChangedObject; reason?: string; message?: string },
): Promise<void> {
  await transaction.event.createMany({
    data: {
      tenantId: event.tenantId,
      type: `${event.object.kind}.${event.what}`,
      objectKind: event.object.kind,
      objectId: event.object.id,
      objectName: event.object.name,
      reason: event.reason ?? null,
      message: event.message ?? null,
    },
  });
}

/** Begins an operation on an object that has none. The database refuses a second live one (`operations_one_live`). */
export async function beginOperation(
  transaction: Transaction,
  context: RequestContext,
  operation: { tenantId: string; kind: OperationKind; object: ChangedObject; generation: number },
): Promise<OperationRow> {
  const row = await transaction.operation.create({
    data: {
      id: uuid(),
      tenantId: operation.tenantId,
      kind: operation.kind,
      objectKind: operation.object.kind,
      objectId: operation.object.id,
      objectName: operation.object.name,
      generation: operation.generation,
      requestedBy: name(context),
    },
  });
  const { tenantId, kind } = operation;
  await recordEvent(transaction, { tenantId, what: "created", object: { kind: "operation", id: row.id, name: kind } });
  return row;
}
