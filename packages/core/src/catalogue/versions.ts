import {
  type ChangeVersionBody,
  chartsSchema,
  type CreateVersionBody,
  imageSchema,
  type Page,
  type Version,
  versionSchema,
} from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";
import { toJson } from "../database/json.ts";
import type { PageInput } from "../database/page.ts";
import { DomainError, unknownReference } from "../errors.ts";
import type { Version as VersionRow } from "../generated/client.ts";
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
import { countRevisions } from "./count-revisions.ts";

const stateSchema = versionSchema.shape.state;

/** A version's row, and how many revisions there are of it. */
type CountedVersion = VersionRow & { revisions: number };

const versions: Catalogue<CountedVersion, Version> = {
  kind: "version",
  title: "version",
  path: "versions",
  find: async (transaction, name) => {
    const row = await transaction.version.findUnique({ where: { name } });
    const [counted] = await count(transaction, row === null ? [] : [row]);
    return counted ?? null;
  },
  toResource: (row) => ({
    name: row.name,
    line: row.lineName,
    state: stateSchema.parse(row.state),
    charts: chartsSchema.parse(row.charts),
    image: imageSchema.parse(row.image),
    revisions: row.revisions,
    generation: row.generation,
    createdAt: row.createdAt.toISOString(),
  }),
};

async function count(transaction: Transaction, rows: readonly VersionRow[]): Promise<CountedVersion[]> {
  const counts = await countRevisions(transaction, "version");
  return rows.map((row) => ({ ...row, revisions: counts.get(row.name) ?? 0 }));
}

/** Lists versions by name. @throws DomainError Forbidden, InvalidCursor */
export async function listVersions(context: RequestContext, input: PageInput): Promise<Page<Version>> {
  return listByName(context, versions, input, async (transaction, query) =>
    count(transaction, await transaction.version.findMany(query)),
  );
}

/** Reads a version. @throws DomainError Forbidden, NotFound */
export async function getVersion(context: RequestContext, input: { name: string }): Promise<Version> {
  return getByName(context, versions, input.name);
}

/** Makes a version. @returns 201 @throws DomainError Forbidden, AlreadyExists, UnknownReference, InvalidField */
export async function createVersion(context: RequestContext, body: CreateVersionBody): Promise<Answer<Version>> {
  const { name, line, state, charts, image } = body;
  return createInCatalogue(context, versions, body, async (transaction) => {
    if ((await transaction.versionLine.findUnique({ where: { name: line } })) === null) {
      throw unknownReference("line", "version line", line);
    }
    if (name !== line && !name.startsWith(`${line}.`) && !name.startsWith(`${line}-`)) {
      throw new DomainError(
        "InvalidField",
        `Version ${name} is not of line ${line}: a version's name begins with it.`,
        {
          parameter: "name",
        },
      );
    }
    const data = { name, lineName: line, state, charts: toJson(charts), image: toJson(image) };
    return { ...(await transaction.version.create({ data })), revisions: 0 };
  });
}

/** Changes a version. @returns 200 @throws DomainError Forbidden, NotFound, PreconditionRequired, PreconditionFailed */
export async function changeVersion(
  context: RequestContext,
  input: ChangeInput<ChangeVersionBody>,
): Promise<Answer<Version>> {
  return changeInCatalogue(context, versions, input, {
    data: pickGiven(input.body),
    details: input.body,
    update: (transaction, where, data) => transaction.version.updateMany({ where, data }),
  });
}

/** Deletes a version without revisions. @returns 204 @throws DomainError Forbidden, NotFound, PreconditionFailed, InUse */
export async function deleteVersion(context: RequestContext, input: DeleteInput): Promise<Answer<undefined>> {
  return deleteFromCatalogue(context, versions, input, (transaction, where) =>
    transaction.version.deleteMany({ where }),
  );
}
