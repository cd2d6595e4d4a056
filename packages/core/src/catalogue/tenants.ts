import type { ChangeTenantBody, CreateTenantBody, Page, Tenant, TenantAmounts } from "@pilothouse/contract";
import { v7 as uuid } from "uuid";
import type { Transaction } from "../database/connect.ts";
import type { PageInput } from "../database/page.ts";
import type { Tenant as TenantRow } from "../generated/client.ts";
import { readLimits, toLimitColumns } from "../quotas/limits.ts";
import { measureUse } from "../quotas/measure-use.ts";
import type { Answer, RequestContext } from "../request-context.ts";
import {
  type Catalogue,
  changeInCatalogue,
  type ChangeInput,
  createInCatalogue,
  getByName,
  listByName,
  pickGiven,
} from "./common.ts";

/** A tenant's row, and what it has of what is limited. */
type MeasuredTenant = TenantRow & { used: TenantAmounts };

const tenants: Catalogue<MeasuredTenant, Tenant> = {
  kind: "tenant",
  title: "tenant",
  path: "tenants",
  find: async (transaction, name) => {
    const row = await transaction.tenant.findUnique({ where: { name } });
    const [measured] = await measure(transaction, row === null ? [] : [row]);
    return measured ?? null;
  },
  toResource: (row) => ({
    id: row.id,
    name: row.name,
    displayName: row.displayName,
    limits: readLimits(row),
    used: row.used,
    generation: row.generation,
    createdAt: row.createdAt.toISOString(),
  }),
};

const nothing: TenantAmounts = { clusters: 0, controlPlanes: 0, revisions: 0, apiKeys: 0 };

async function measure(transaction: Transaction, rows: readonly TenantRow[]): Promise<MeasuredTenant[]> {
  const ids = rows.map(({ id }) => id);
  const used = await measureUse(transaction, ids);
  return rows.map((row) => ({ ...row, used: used.get(row.id) ?? nothing }));
}

/** Lists tenants by name. @throws DomainError Forbidden, InvalidCursor */
export async function listTenants(context: RequestContext, input: PageInput): Promise<Page<Tenant>> {
  return listByName(context, tenants, input, async (transaction, query) =>
    measure(transaction, await transaction.tenant.findMany(query)),
  );
}

/** Reads a tenant. @throws DomainError Forbidden, NotFound */
export async function getTenant(context: RequestContext, input: { name: string }): Promise<Tenant> {
  return getByName(context, tenants, input.name);
}

/** Makes a tenant. @returns 201 @throws DomainError Forbidden, AlreadyExists */
export async function createTenant(context: RequestContext, body: CreateTenantBody): Promise<Answer<Tenant>> {
  const { name, displayName } = body;
  return createInCatalogue(context, tenants, body, async (transaction) => ({
    ...(await transaction.tenant.create({ data: { id: uuid(), name, displayName } })),
    used: nothing,
  }));
}

/** Changes a tenant, and how many of each it may have. @returns 200 @throws DomainError Forbidden, NotFound, PreconditionRequired, PreconditionFailed */
export async function changeTenant(
  context: RequestContext,
  input: ChangeInput<ChangeTenantBody>,
): Promise<Answer<Tenant>> {
  const { displayName, limits = {} } = input.body;
  return changeInCatalogue(context, tenants, input, {
    data: pickGiven({ displayName, ...toLimitColumns(limits) }),
    details: input.body,
    update: (transaction, where, data) => transaction.tenant.updateMany({ where, data }),
  });
}
