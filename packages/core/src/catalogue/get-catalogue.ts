import { type Catalogue, type LineState, versionLineSchema } from "@pilothouse/contract";
import type { Database } from "../database/connect.ts";
import { translateOutage } from "../database/describe-error.ts";
import { compareVersions } from "../versions/compare-versions.ts";

const readState = (state: string): LineState => versionLineSchema.shape.state.parse(state);

/** What can be ordered, and where. It belongs to no tenant. @throws DomainError Unavailable */
export async function getCatalogue(database: Database): Promise<Catalogue> {
  try {
    const [lines, regions, seeds] = await Promise.all([
      database.versionLine.findMany({
        where: { state: { not: "retired" } },
        include: { versions: { where: { state: "available" }, select: { name: true } } },
      }),
      database.region.findMany({ orderBy: { name: "asc" } }),
      database.seed.findMany({ orderBy: { name: "asc" } }),
    ]);
    return {
      lines: lines
        .toSorted((a, b) => compareVersions(b.name, a.name))
        .map(({ name, state, endOfSupport, versions }) => ({
          name,
          state: readState(state),
          endOfSupport: endOfSupport?.toISOString().slice(0, 10) ?? null,
          versions: versions.map((version) => version.name).toSorted((a, b) => compareVersions(b, a)),
        })),
      regions: regions.map(({ name, displayName }) => ({ name, displayName })),
      seeds: seeds.map(({ name, regionName }) => ({ name, region: regionName })),
    };
  } catch (error) {
    throw translateOutage(error);
  }
}
