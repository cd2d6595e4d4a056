import type { Quota } from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";
import { DomainError } from "../errors.ts";
import { readLimits } from "./limits.ts";
import { measureUse } from "./measure-use.ts";

const names: Readonly<Record<Quota, string>> = {
  clusters: "clusters",
  controlPlanes: "control planes",
  revisions: "revisions",
  apiKeys: "API keys",
};

/**
 * Checks that a tenant may have one more of each of these. Belongs before what is made, into the same transaction: the tenant's row stays
 * locked until that has ended, so that of several at once each counts those before it. References to the tenant do not wait for the lock.
 * @throws DomainError QuotaExceeded with `quota`, `limit` and `used`
 */
export async function requireQuota(
  transaction: Transaction,
  tenantId: string,
  quotas: readonly Quota[],
): Promise<void> {
  await transaction.$executeRaw`SELECT 1 FROM tenants WHERE id = ${tenantId}::uuid FOR NO KEY UPDATE`;
  const limits = readLimits(await transaction.tenant.findUniqueOrThrow({ where: { id: tenantId } }));
  const used = (await measureUse(transaction, [tenantId])).get(tenantId);
  if (used === undefined) throw new Error(`The use of tenant ${tenantId} was not counted.`);
  const quota = quotas.find((name) => used[name] >= limits[name]);
  if (quota === undefined) return;
  throw new DomainError(
    "QuotaExceeded",
    `The tenant has ${used[quota]} ${names[quota]}, and may have ${limits[quota]}. Delete some, or ask the provider for more.`,
    { parameter: "tenant", details: { quota, limit: limits[quota], used: used[quota] } },
  );
}
