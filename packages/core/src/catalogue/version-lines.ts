import {
  type ChangeVersionLineBody,
  type CreateVersionLineBody,
  type Page,
  type VersionLine,
  versionLineSchema,
} from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";
import type { PageInput } from "../database/page.ts";
import type { VersionLine as LineRow } from "../generated/client.ts";
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
} from "./common.ts";
import { countRevisions } from "./count-revisions.ts";

const stateSchema = versionLineSchema.shape.state;

/** A line's row, and how many revisions there are of its versions. */
type CountedLine = LineRow & { revisions: number };

const lines: Catalogue<CountedLine, VersionLine> = {
  kind: "version-line",
  title: "version line",
  path: "version-lines",
  find: async (transaction, name) => {
    const row = await transaction.versionLine.findUnique({ where: { name } });
    const [counted] = await count(transaction, row === null ? [] : [row]);
    return counted ?? null;
  },
  toResource: (row) => ({
    name: row.name,
    state: stateSchema.parse(row.state),
    endOfSupport: row.endOfSupport?.toISOString().slice(0, 10) ?? null,
    revisions: row.revisions,
    generation: row.generation,
    createdAt: row.createdAt.toISOString(),
  }),
};

async function count(transaction: Transaction, rows: readonly LineRow[]): Promise<CountedLine[]> {
  const counts = await countRevisions(transaction, "line");
  return rows.map((row) => ({ ...row, revisions: counts.get(row.name) ?? 0 }));
}

/** A calendar day, which the database's driver takes as its first moment in UTC. */
const toDay = (day: string): Date => new Date(`${day}T00:00:00Z`);

/** Lists version lines by name. @throws DomainError Forbidden, InvalidCursor */
export async function listVersionLines(context: RequestContext, input: PageInput): Promise<Page<VersionLine>> {
  return listByName(context, lines, input, async (transaction, query) =>
    count(transaction, await transaction.versionLine.findMany(query)),
  );
}

/** Reads a version line. @throws DomainError Forbidden, NotFound */
export async function getVersionLine(context: RequestContext, input: { name: string }): Promise<VersionLine> {
  return getByName(context, lines, input.name);
}

/** Makes a version line. @returns 201 @throws DomainError Forbidden, AlreadyExists */
export async function createVersionLine(
  context: RequestContext,
  body: CreateVersionLineBody,
): Promise<Answer<VersionLine>> {
  const { name, state } = body;
  const endOfSupport = body.endOfSupport === undefined ? null : toDay(body.endOfSupport);
  return createInCatalogue(context, lines, body, async (transaction) => ({
    ...(await transaction.versionLine.create({ data: { name, state, endOfSupport } })),
    revisions: 0,
  }));
}

/** Changes a version line. @returns 200 @throws DomainError Forbidden, NotFound, PreconditionRequired, PreconditionFailed */
export async function changeVersionLine(
  context: RequestContext,
  input: ChangeInput<ChangeVersionLineBody>,
): Promise<Answer<VersionLine>> {
  const { state, endOfSupport } = input.body;
  return changeInCatalogue(context, lines, input, {
    data: {
      ...(state === undefined ? {} : { state }),
      ...(endOfSupport === undefined ? {} : { endOfSupport: endOfSupport === null ? null : toDay(endOfSupport) }),
    },
    details: input.body,
    update: (transaction, where, data) => transaction.versionLine.updateMany({ where, data }),
  });
}

/** Deletes a line without versions and istiod clusters. @returns 204 @throws DomainError Forbidden, NotFound, PreconditionFailed, InUse */
export async function deleteVersionLine(context: RequestContext, input: DeleteInput): Promise<Answer<undefined>> {
  return deleteFromCatalogue(context, lines, input, (transaction, where) =>
    transaction.versionLine.deleteMany({ where }),
  );
}
