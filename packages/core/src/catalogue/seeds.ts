import type { ChangeSeedBody, CreateSeedBody, Page, Seed } from "@pilothouse/contract";
import type { PageInput } from "../database/page.ts";
import { unknownReference } from "../errors.ts";
import type { Seed as SeedRow } from "../generated/client.ts";
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

const seeds: Catalogue<SeedRow, Seed> = {
  kind: "seed",
  title: "seed",
  path: "seeds",
  find: (transaction, name) => transaction.seed.findUnique({ where: { name } }),
  toResource: (row) => ({
    name: row.name,
    region: row.regionName,
    zones: row.zones,
    provider: row.provider,
    generation: row.generation,
    createdAt: row.createdAt.toISOString(),
  }),
};

/** Lists seeds by name. @throws DomainError Forbidden, InvalidCursor */
export async function listSeeds(context: RequestContext, input: PageInput): Promise<Page<Seed>> {
  return listByName(context, seeds, input, (transaction, query) => transaction.seed.findMany(query));
}

/** Reads a seed. @throws DomainError Forbidden, NotFound */
export async function getSeed(context: RequestContext, input: { name: string }): Promise<Seed> {
  return getByName(context, seeds, input.name);
}

/** Makes a seed. @returns 201 @throws DomainError Forbidden, AlreadyExists, UnknownReference */
export async function createSeed(context: RequestContext, body: CreateSeedBody): Promise<Answer<Seed>> {
  const { name, region, zones, provider } = body;
  return createInCatalogue(context, seeds, body, async (transaction) => {
    if ((await transaction.region.findUnique({ where: { name: region } })) === null) {
      throw unknownReference("region", "region", region);
    }
    return transaction.seed.create({ data: { name, regionName: region, zones, provider } });
  });
}

/** Changes a seed. @returns 200 @throws DomainError Forbidden, NotFound, PreconditionRequired, PreconditionFailed */
export async function changeSeed(context: RequestContext, input: ChangeInput<ChangeSeedBody>): Promise<Answer<Seed>> {
  return changeInCatalogue(context, seeds, input, {
    data: pickGiven(input.body),
    details: input.body,
    update: (transaction, where, data) => transaction.seed.updateMany({ where, data }),
  });
}

/** Deletes a seed without mesh clusters. @returns 204 @throws DomainError Forbidden, NotFound, PreconditionFailed, InUse */
export async function deleteSeed(context: RequestContext, input: DeleteInput): Promise<Answer<undefined>> {
  return deleteFromCatalogue(context, seeds, input, (transaction, where) => transaction.seed.deleteMany({ where }));
}
