import type { ChangeTenantBody, CreateTenantBody, Page, Tenant } from "@pilothouse/contract";
import { v7 as uuid } from "uuid";
import type { PageInput } from "../database/page.ts";
import type { Tenant as TenantRow } from "../generated/client.ts";
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

const tenants: Catalogue<TenantRow, Tenant> = {
  kind: "tenant",
  title: "tenant",
  path: "tenants",
  find: (transaction, name) => transaction.tenant.findUnique({ where: { name } }),
  toResource: (row) => ({
    id: row.id,
    name: row.name,
    displayName: row.displayName,
    generation: row.generation,
    createdAt: row.createdAt.toISOString(),
  }),
};

/** Lists tenants by name. @throws DomainError Forbidden, InvalidCursor */
export async function listTenants(context: RequestContext, input: PageInput): Promise<Page<Tenant>> {
  return listByName(context, tenants, input, (transaction, query) => transaction.tenant.findMany(query));
}

/** Reads a tenant. @throws DomainError Forbidden, NotFound */
export async function getTenant(context: RequestContext, input: { name: string }): Promise<Tenant> {
  return getByName(context, tenants, input.name);
}

/** Makes a tenant. @returns 201 @throws DomainError Forbidden, AlreadyExists */
export async function createTenant(context: RequestContext, body: CreateTenantBody): Promise<Answer<Tenant>> {
  return createInCatalogue(context, tenants, body, (transaction) =>
    transaction.tenant.create({ data: { id: uuid(), name: body.name, displayName: body.displayName } }),
  );
}

/** Changes a tenant. @returns 200 @throws DomainError Forbidden, NotFound, PreconditionRequired, PreconditionFailed */
export async function changeTenant(
  context: RequestContext,
  input: ChangeInput<ChangeTenantBody>,
): Promise<Answer<Tenant>> {
  return changeInCatalogue(context, tenants, input, {
    data: pickGiven(input.body),
    details: input.body,
    update: (transaction, where, data) => transaction.tenant.updateMany({ where, data }),
  });
}
