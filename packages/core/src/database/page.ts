import type { Page } from "@pilothouse/contract";
import { z } from "zod";
import { DomainError } from "../errors.ts";

/** Where a page begins and how long it is. */
export interface PageInput {
  limit: number;
  cursor?: string | undefined;
}

/** The same for lists whose items can be asked for by their names. */
export interface NamedPageInput extends PageInput {
  names?: readonly string[] | undefined;
}

/** Which names belong to a page of such a list. @param after position that its cursor stands for */
export const filterNames = (
  { names }: NamedPageInput,
  after: string | undefined,
): { name: { in?: string[]; gt?: string } } => ({
  name: { ...(names === undefined ? {} : { in: [...names] }), ...(after === undefined ? {} : { gt: after }) },
});

/**
 * Reads a cursor that `toPage` wrote.
 * @throws DomainError InvalidCursor
 */
export function readCursor<Position>(schema: z.ZodType<Position>, cursor: string | undefined): Position | undefined {
  if (cursor === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")));
  } catch (error) {
    throw new DomainError("InvalidCursor", "This is no cursor of this list. Begin without one.", {
      parameter: "cursor",
      cause: error,
    });
  }
}

/**
 * Makes a page of up to `limit` rows out of up to `limit + 1`: the one too many tells that there are more.
 * @param position of a row in the list's order
 */
export async function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => unknown,
  toItems: (rows: readonly Row[]) => Item[] | Promise<Item[]>,
): Promise<Page<Item>> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return {
    items: await toItems(shown),
    nextCursor: hasMore ? Buffer.from(JSON.stringify(position(last))).toString("base64url") : null,
  };
}

/** Position in lists by name. No name has other characters, and some the database would not take. */
export const namePosition: z.ZodType<string> = z
  .string()
  .max(100)
  .regex(/^[a-z0-9.-]*$/);

/** A moment that a database can compare with: it has no year 0. */
const momentSchema = z.iso.datetime().refine((moment) => !moment.startsWith("0000"));

/** Position in lists that have the newest first. */
export const timePosition: z.ZodType<[string, string]> = z.tuple([
  momentSchema,
  z
    .string()
    .max(60)
    .regex(/^[a-z0-9-]+$/),
]);
/** The same where ids are uuids. */
export const timeUuidPosition: z.ZodType<[string, string]> = z.tuple([momentSchema, z.uuid()]);

/** Rows behind a position, newest first by `createdAt` and `id`. */
export function behindTime(position: [string, string] | undefined): object {
  if (position === undefined) return {};
  const [createdAt, id] = position;
  const at = new Date(createdAt);
  return { OR: [{ createdAt: { lt: at } }, { createdAt: at, id: { lt: id } }] };
}

export const newestFirst = [{ createdAt: "desc" as const }, { id: "desc" as const }];
