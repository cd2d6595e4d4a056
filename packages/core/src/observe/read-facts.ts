import { z } from "zod";
import type { Transaction } from "../database/connect.ts";
import type { SealBinding } from "../secrets/seal.ts";
import { lastKnownSchema, statusSchema } from "./conditions.ts";
import type { StoredCondition } from "./merge-condition.ts";
import type { LiveOperation } from "./operations.ts";
import type { SealedText } from "./sealed-text.ts";

type SecretOf = Pick<SealBinding, "purpose" | "objectKind" | "objectId">;

/** What lies beside an object's own row. */
export interface ObjectFacts {
  conditions: StoredCondition[];
  /** The change in progress, of which there is one at most. */
  operation: LiveOperation | null;
  /** The newest one of each that was asked for, in that order; null where there is none, or its time is over. */
  secrets: (SealedText | null)[];
}

const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const factsSchema = z.object({
  conditions: z.array(
    z.object({
      type: z.string(),
      status: statusSchema,
      reason: z.string(),
      message: z.string(),
      observedGeneration: z.int(),
      lastTransitionAt: time,
      lastKnown: lastKnownSchema.nullable(),
    }),
  ),
  operation: z
    .object({
      id: z.string(),
      kind: z.string(),
      tenantId: z.string(),
      generation: z.int(),
      objectKind: z.string(),
      objectId: z.string(),
      objectName: z.string(),
      reason: z.string().nullable(),
      message: z.string().nullable(),
      createdAt: time,
      startedAt: time.nullable(),
    })
    .nullable(),
  secrets: z.array(
    z
      .object({
        id: z.string(),
        tenantId: z.string().nullable(),
        keyId: z.string(),
        ciphertext: z.base64(),
        createdAt: time,
        expiresAt: time.nullable(),
      })
      .nullable(),
  ),
});

/**
 * Reads in one statement what each look at an object needs beside its row: a worker that has just started looks at thousands within a
 * minute.
 *
 * @param object whose conditions
 * @param operationOf whose change in progress
 * @param secrets which sealed secrets
 */
export async function readObjectFacts(
  database: Pick<Transaction, "$queryRaw">,
  {
    object,
    operationOf,
    secrets,
  }: {
    object: { kind: "cluster" | "revision"; id: string };
    operationOf: { kind: "cluster" | "control-plane"; id: string };
    secrets: readonly SecretOf[];
  },
): Promise<ObjectFacts> {
  const [row] = await database.$queryRaw<[unknown]>`
    SELECT
      (SELECT coalesce(json_agg(json_build_object('type', c.type, 'status', c.status, 'reason', c.reason, 'message', c.message,
          'observedGeneration', c.observed_generation, 'lastTransitionAt', c.last_transition_at, 'lastKnown', c.last_known)), '[]')
        FROM conditions c WHERE c.object_kind = ${object.kind} AND c.object_id = ${object.id}) AS conditions,
      (SELECT json_build_object('id', o.id, 'kind', o.kind, 'tenantId', o.tenant_id, 'generation', o.generation, 'objectKind', o.object_kind,
          'objectId', o.object_id, 'objectName', o.object_name, 'reason', o.reason, 'message', o.message,
          'createdAt', o.created_at, 'startedAt', o.started_at)
        FROM operations o WHERE o.object_kind = ${operationOf.kind} AND o.object_id = ${operationOf.id} AND o.finished_at IS NULL LIMIT 1) AS operation,
      (SELECT json_agg((
          SELECT json_build_object('id', s.id, 'tenantId', s.tenant_id, 'keyId', s.key_id,
            'ciphertext', translate(encode(s.ciphertext, 'base64'), E'\n', ''), 'createdAt', s.created_at, 'expiresAt', s.expires_at)
          FROM sealed_secrets s
          WHERE s.purpose = w.purpose AND s.object_kind = w.object_kind AND s.object_id = w.object_id AND (s.expires_at IS NULL OR s.expires_at > now())
          ORDER BY s.created_at DESC, s.id DESC LIMIT 1
        ) ORDER BY w.place)
        FROM unnest(${secrets.map(({ purpose }) => purpose)}::text[], ${secrets.map(({ objectKind }) => objectKind)}::text[],
          ${secrets.map(({ objectId }) => objectId)}::text[]) WITH ORDINALITY AS w(purpose, object_kind, object_id, place)) AS secrets`;
  const { conditions, operation, secrets: found } = factsSchema.parse(row);
  return {
    conditions,
    operation,
    secrets: secrets.map((of, index) => {
      const secret = found[index] ?? null;
      if (secret === null) return null;
      const { id, tenantId, keyId, ciphertext, createdAt, expiresAt } = secret;
      const binding = { id, tenantId, ...of };
      return { binding, keyId, ciphertext: Uint8Array.from(Buffer.from(ciphertext, "base64")), createdAt, expiresAt };
    }),
  };
}
