import type { TenantAmounts } from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";

interface UseRow {
  id: string;
  clusters: number;
  control_planes: number;
  revisions: number;
  api_keys: number;
}

/** Counts what tenants have of what is limited, by their ids: the transaction's own tenant, or any in one of the platform. */
export async function measureUse(
  transaction: Transaction,
  ids: readonly string[],
): Promise<Map<string, TenantAmounts>> {
  const rows = await transaction.$queryRaw<UseRow[]>`SELECT * FROM count_tenant_use(${[...ids]}::uuid[])`;
  return new Map(
    rows.map(({ id, clusters, control_planes: controlPlanes, revisions, api_keys: apiKeys }) => [
      id,
      { clusters, controlPlanes, revisions, apiKeys },
    ]),
  );
}
