import { DomainError } from "../errors.ts";
import type { Answer, RequestContext } from "../request-context.ts";
import type { Transaction } from "../database/connect.ts";
import { toJson } from "../database/json.ts";
import type { Outcome, Sight } from "./run-change.ts";

/**
 * The answer to the same request under the same Idempotency-Key, if it was answered before. A second request that comes in at the same time
 * waits here until the first one's transaction has ended.
 * @throws DomainError IdempotencyKeyReused when the key came with another request
 */
export async function recallAnswer<Body>(
  transaction: Transaction,
  context: RequestContext,
): Promise<Answer<Body> | undefined> {
  if (context.idempotency === undefined) return undefined;
  const { key, requestHash } = context.idempotency;
  const { id: principalId } = context.actor.principal;
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`${principalId} ${key}`}, 0))`;
  const row = await transaction.idempotencyKey.findUnique({ where: { principalId_key: { principalId, key } } });
  if (row === null) return undefined;
  if (!Buffer.from(row.requestHash).equals(requestHash)) {
    throw new DomainError(
      "IdempotencyKeyReused",
      "This Idempotency-Key came with another request before. Use a new one for each new request.",
      { parameter: "Idempotency-Key" },
    );
  }
  const stored: unknown = row.body;
  return {
    status: row.status,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the hash was compared: this very verb answered it
    body: stored as Body,
    ...(row.location === null ? {} : { location: row.location }),
    ...(row.etag === null ? {} : { etag: row.etag }),
    replayed: true,
  };
}

/** Keeps an answer in the transaction of what it tells of. */
export async function rememberAnswer<Body>(
  transaction: Transaction,
  { actor, idempotency }: RequestContext,
  sight: Sight,
  outcome: Outcome<Body>,
): Promise<void> {
  if (idempotency === undefined) return;
  await transaction.idempotencyKey.createMany({
    data: {
      principalId: actor.principal.id,
      key: idempotency.key,
      tenantId: sight === "platform" ? null : sight.tenantId,
      requestHash: Buffer.from(idempotency.requestHash),
      status: outcome.status,
      location: outcome.location ?? null,
      etag: outcome.etag ?? null,
      body: toJson(outcome.repeatedBody ?? outcome.body),
    },
  });
}
