import type { ChangeRegionBody, CreateRegionBody, Page, Region } from "@pilothouse/contract";
import type { PageInput } from "../database/page.ts";
import type { Region as RegionRow } from "../generated/client.ts";
import type { Answer, RequestContext } from "../request-context.ts";
import {
  type Catalogue,
  changeInCatalogue,
  type ChangeInput,
  createInCatalogue,
  deleteFromCatalogue,
  type DeleteInput,
  getByName,
  listByName,
  pickGiven,
} from "./common.ts";

const regions: Catalogue<RegionRow, Region> = {
  kind: "region",
  title: "region",
  path: "regions",
  find: (transaction, name) => transaction.region.findUnique({ where: { name } }),
  toResource: (row) => ({
    name: row.name,
    displayName: row.displayName,
    latitude: row.latitude,
    longitude: row.longitude,
    generation: row.generation,
    createdAt: row.createdAt.toISOString(),
  }),
};

/** Lists regions by name. @throws DomainError Forbidden, InvalidCursor */
export async function listRegions(context: RequestContext, input: PageInput): Promise<Page<Region>> {
  return listByName(context, regions, input, (transaction, query) => transaction.region.findMany(query));
}

/** Reads a region. @throws DomainError Forbidden, NotFound */
export async function getRegion(context: RequestContext, input: { name: string }): Promise<Region> {
  return getByName(context, regions, input.name);
}

/** Makes a region. @returns 201 @throws DomainError Forbidden, AlreadyExists */
export async function createRegion(context: RequestContext, body: CreateRegionBody): Promise<Answer<Region>> {
  const { name, displayName, latitude = null, longitude = null } = body;
  return createInCatalogue(context, regions, body, (transaction) =>
    transaction.region.create({ data: { name, displayName, latitude, longitude } }),
  );
}

/** Changes a region. @returns 200 @throws DomainError Forbidden, NotFound, PreconditionRequired, PreconditionFailed */
export async function changeRegion(
  context: RequestContext,
  input: ChangeInput<ChangeRegionBody>,
): Promise<Answer<Region>> {
  return changeInCatalogue(context, regions, input, {
    data: pickGiven(input.body),
    details: input.body,
    update: (transaction, where, data) => transaction.region.updateMany({ where, data }),
  });
}

/** Deletes a region without seeds and istiod clusters. @returns 204 @throws DomainError Forbidden, NotFound, PreconditionFailed, InUse */
export async function deleteRegion(context: RequestContext, input: DeleteInput): Promise<Answer<undefined>> {
  return deleteFromCatalogue(context, regions, input, (transaction, where) => transaction.region.deleteMany({ where }));
}
