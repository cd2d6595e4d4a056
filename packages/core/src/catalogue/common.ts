import { apiPrefix, type Page } from "@pilothouse/contract";
import { checkIfMatch, requireIfMatch } from "../change/check-if-match.ts";
import { type ChangedObject, recordAudit } from "../change/record.ts";
import { runChange, withSight } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import type { DatabaseFact } from "../database/describe-error.ts";
import { namePosition, type PageInput, readCursor, toPage } from "../database/page.ts";
import { DomainError, notFound } from "../errors.ts";
import { type Answer, formatEtag, type RequestContext, requirePlatform } from "../request-context.ts";

/** A PATCH of one thing of the provider's. */
export interface ChangeInput<Body> {
  name: string;
  /** The If-Match header as it came. */
  ifMatch?: string | undefined;
  body: Body;
}

/** A DELETE of one thing of the provider's. */
export interface DeleteInput {
  name: string;
  ifMatch?: string | undefined;
}

interface CatalogueRow {
  name: string;
  generation: number;
}

/** What one kind of thing of the provider's is, and how its rows are reached. */
export interface Catalogue<Row extends CatalogueRow, Resource> {
  kind: ChangedObject["kind"];
  /** In a sentence. */
  title: string;
  /** Last part of its path. */
  path: string;
  find: (transaction: Transaction, name: string) => Promise<Row | null>;
  toResource: (row: Row) => Resource;
}

/** What every list by name asks its table for. */
export interface NameQuery {
  where: { name?: { gt: string } };
  orderBy: { name: "asc" };
  take: number;
}

/** Lists by name. @throws DomainError Forbidden, InvalidCursor */
export async function listByName<Row extends CatalogueRow, Resource>(
  context: RequestContext,
  catalogue: Catalogue<Row, Resource>,
  input: PageInput,
  query: (transaction: Transaction, query: NameQuery) => Promise<Row[]>,
): Promise<Page<Resource>> {
  requirePlatform(context);
  const after = readCursor(namePosition, input.cursor);
  return withSight(context, "platform", async (transaction) => {
    const where = after === undefined ? {} : { name: { gt: after } };
    const rows = await query(transaction, { where, orderBy: { name: "asc" }, take: input.limit + 1 });
    return toPage(
      rows,
      input.limit,
      ({ name }) => name,
      (shown) => shown.map(catalogue.toResource),
    );
  });
}

/** Reads one by name. @throws DomainError Forbidden, NotFound */
export async function getByName<Row extends CatalogueRow, Resource>(
  context: RequestContext,
  catalogue: Catalogue<Row, Resource>,
  name: string,
): Promise<Resource> {
  requirePlatform(context);
  return withSight(context, "platform", async (transaction) => {
    const row = await catalogue.find(transaction, name);
    if (row === null) throw notFound(catalogue.title, name);
    return catalogue.toResource(row);
  });
}

/** Makes one. @returns 201 @throws DomainError Forbidden, AlreadyExists, and what `create` throws */
export async function createInCatalogue<Row extends CatalogueRow, Resource>(
  context: RequestContext,
  catalogue: Catalogue<Row, Resource>,
  details: unknown,
  create: (transaction: Transaction) => Promise<Row>,
): Promise<Answer<Resource>> {
  requirePlatform(context);
  return runChange(context, "platform", async (transaction) => {
    const row = await create(transaction);
    await audit(transaction, context, catalogue, { verb: "create", name: row.name, details });
    return {
      status: 201,
      body: catalogue.toResource(row),
      location: `${apiPrefix}/admin/${catalogue.path}/${row.name}`,
      etag: formatEtag(row.generation),
    };
  });
}

/**
 * Changes one. What is so already stays as it is, with its ETag.
 * @param data columns to change
 * @param update writes columns where the row is as given, and answers how many rows that were
 * @returns 200
 * @throws DomainError Forbidden, NotFound, PreconditionRequired, PreconditionFailed, and what `update` throws
 */
export async function changeInCatalogue<Row extends CatalogueRow, Resource, Data extends object>(
  context: RequestContext,
  catalogue: Catalogue<Row, Resource>,
  input: ChangeInput<unknown>,
  change: {
    data: Data;
    details: unknown;
    /** True where there is more to change than columns. */
    isForced?: boolean;
    update: (
      transaction: Transaction,
      where: BoundName,
      data: Data & { generation: { increment: number } },
    ) => Promise<{ count: number }>;
    explain?: (fact: DatabaseFact) => DomainError | undefined;
  },
): Promise<Answer<Resource>> {
  requirePlatform(context);
  const { name } = input;
  const work = async (transaction: Transaction) => {
    const row = await catalogue.find(transaction, name);
    if (row === null) throw notFound(catalogue.title, name);
    requireIfMatch(input.ifMatch, row.generation);
    if (change.isForced !== true && isSame(row, change.data)) {
      return { status: 200, body: catalogue.toResource(row), etag: formatEtag(row.generation) };
    }
    const data = { ...change.data, generation: { increment: 1 } };
    const { count } = await change.update(transaction, bindTo(row, input.ifMatch), data);
    const changed = await catalogue.find(transaction, name);
    if (changed === null) throw notFound(catalogue.title, name);
    if (count === 0) throw lostToAnother();
    await audit(transaction, context, catalogue, { verb: "change", name, details: change.details });
    return { status: 200, body: catalogue.toResource(changed), etag: formatEtag(changed.generation) };
  };
  return runChange(context, "platform", work, change.explain);
}

/** What a row has to be when it is written. */
interface BoundName {
  name: string;
  generation?: number;
}

/** Who named an ETag wants nothing else to have been changed since; who named none, or any, wants the row as it is by then. */
function bindTo({ name, generation }: CatalogueRow, ifMatch: string | undefined): BoundName {
  return ifMatch === undefined || ifMatch.trim() === "*" ? { name } : { name, generation };
}

function lostToAnother(): DomainError {
  return new DomainError(
    "PreconditionFailed",
    "Another request changed it just now. Read it again, then decide anew.",
    {
      parameter: "If-Match",
    },
  );
}

/** What was given of a body: fields that are undefined are left out. */
export function pickGiven<Body extends object>(body: Body): { [Key in keyof Body]?: Exclude<Body[Key], undefined> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.fromEntries forgets which keys there are; none was added
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Body]?: Exclude<Body[Key], undefined>;
  };
}

function isSame(row: object, data: object): boolean {
  return Object.entries(data).every(([key, value]) => JSON.stringify(Reflect.get(row, key)) === JSON.stringify(value));
}

/** Deletes one that nothing depends on. @returns 204 @throws DomainError Forbidden, NotFound, PreconditionFailed, InUse */
export async function deleteFromCatalogue<Row extends CatalogueRow, Resource>(
  context: RequestContext,
  catalogue: Catalogue<Row, Resource>,
  input: DeleteInput,
  remove: (transaction: Transaction, where: BoundName) => Promise<{ count: number }>,
): Promise<Answer<undefined>> {
  requirePlatform(context);
  const { name } = input;
  const work = async (transaction: Transaction) => {
    const row = await catalogue.find(transaction, name);
    if (row === null) throw notFound(catalogue.title, name);
    checkIfMatch(input.ifMatch, row.generation);
    const { count } = await remove(transaction, bindTo(row, input.ifMatch));
    if (count === 0) {
      throw (await catalogue.find(transaction, name)) === null ? notFound(catalogue.title, name) : lostToAnother();
    }
    await audit(transaction, context, catalogue, { verb: "delete", name });
    return { status: 204, body: undefined };
  };
  return runChange(context, "platform", work, ({ kind }) =>
    kind === "reference"
      ? new DomainError("InUse", `Others still depend on ${catalogue.title} ${name}. Delete or move those first.`)
      : undefined,
  );
}

async function audit(
  transaction: Transaction,
  context: RequestContext,
  { kind }: { kind: ChangedObject["kind"] },
  { verb, name, details }: { verb: string; name: string; details?: unknown },
): Promise<void> {
  await recordAudit(transaction, context, { tenantId: null, verb, object: { kind, id: name, name }, details });
}
