import {
  type ChangeVersionLineBody,
  type CreateVersionLineBody,
  type Page,
  type VersionLine,
  versionLineSchema,
} from "@pilothouse/contract";
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

const stateSchema = versionLineSchema.shape.state;

const lines: Catalogue<LineRow, VersionLine> = {
  kind: "version-line",
  title: "version line",
  path: "version-lines",
  find: (transaction, name) => transaction.versionLine.findUnique({ where: { name } }),
  toResource: (row) => ({
    name: row.name,
    state: stateSchema.parse(row.state),
    endOfSupport: row.endOfSupport?.toISOString().slice(0, 10) ?? null,
    generation: row.generation,
    createdAt: row.createdAt.toISOString(),
  }),
};

/** A calendar day, which the database's driver takes as its first moment in UTC. */
const toDay = (day: string): Date => new Date(`${day}T00:00:00Z`);

/** Lists version lines by name. @throws DomainError Forbidden, InvalidCursor */
export async function listVersionLines(context: RequestContext, input: PageInput): Promise<Page<VersionLine>> {
  return listByName(context, lines, input, (transaction, query) => transaction.versionLine.findMany(query));
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
  return createInCatalogue(context, lines, body, (transaction) =>
    transaction.versionLine.create({ data: { name, state, endOfSupport } }),
  );
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
