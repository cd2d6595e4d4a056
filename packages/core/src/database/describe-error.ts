import { DomainError } from "../errors.ts";

/** What a database's refusal was about. */
export interface DatabaseFact {
  /** `unique`, `reference` (a foreign key, either way round), `check`, or an SQLSTATE, or Prisma's own code. */
  kind: "unique" | "reference" | "check" | "conflict" | "other";
  /** Name of the constraint or index, where the database named one. */
  constraint: string;
  code: string;
}

/** How deep errors are nested at most: Prisma's, the adapter's, the driver's. */
const mostDepth = 6;
const wrappers = ["meta", "driverAdapterError", "cause"];

/** Reads what a database refused out of whatever Prisma or its adapter made of it; undefined for errors of another origin. */
export function describeDatabaseError(error: unknown): DatabaseFact | undefined {
  const found = findFields(error);
  if (found.code === undefined) return undefined;
  const constraint = found.constraint ?? /constraint "([^"]+)"/.exec(found.message ?? "")?.[1] ?? "";
  return { kind: classify(found.code), constraint, code: found.code };
}

function classify(code: string): DatabaseFact["kind"] {
  if (code === "23505" || code === "P2002") return "unique";
  if (code === "23503" || code === "23001" || code === "P2003") return "reference";
  if (code === "23514" || code === "P2004") return "check";
  if (code === "40001" || code === "40P01" || code === "P2034") return "conflict";
  return "other";
}

interface Fields {
  code?: string;
  constraint?: string;
  message?: string;
}

function findFields(error: unknown, depth = 0): Fields {
  if (typeof error !== "object" || error === null || depth > mostDepth) return {};
  const inner = wrappers.map((name) => findFields(Reflect.get(error, name), depth + 1));
  const code = first(inner, "code") ?? readText(error, "originalCode") ?? readCode(error);
  const constraint = first(inner, "constraint") ?? readText(Reflect.get(error, "constraint"), "index");
  const message = first(inner, "message") ?? readText(error, "originalMessage") ?? readText(error, "message");
  return {
    ...(code === undefined ? {} : { code }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(message === undefined ? {} : { message }),
  };
}

const first = (fields: Fields[], name: keyof Fields): string | undefined =>
  fields.map((field) => field[name]).find((value) => value !== undefined);

/** Five characters for a database's own, P and four digits for Prisma's, words for a socket's. */
function readCode(error: object): string | undefined {
  const code = readText(error, "code");
  return code !== undefined && /^([0-9A-Z]{5}|E[A-Z]{3,})$/.test(code) ? code : undefined;
}

function readText(value: unknown, name: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const text: unknown = Reflect.get(value, name);
  return typeof text === "string" ? text : undefined;
}

/** Nothing was begun: connection refused; the server starting, stopping or full; no free connection in the pool in time; not let in. */
const outOfReach =
  /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|57P03|53300|P1001|P1002|P2024|P2037|28\d{3})$/;
/** A connection was lost or cut in the midst: maybe when all was written, and before that was said. */
const cutOff = /^(E[A-Z]+|08\d{3}|57P0\d|P1008|P1017)$/;
/** A statement's, a lock's or a transaction's time is over. */
const tookTooLong = /^(57014|55P03|P2028|25P03|25P04)$/;

/** A database that can't answer now, in the words of the contract; any other error is returned as it is. */
export function translateOutage(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const code = describeDatabaseError(error)?.code ?? "";
  const text = error instanceof Error ? error.message : "";
  if (outOfReach.test(code) || /timeout exceeded when trying to connect|Can't reach database server/.test(text)) {
    return new DomainError(
      "Unavailable",
      "The database does not answer now. Nothing was changed; try again in some seconds.",
      { cause: error },
    );
  }
  if (cutOff.test(code) || text.includes("Connection terminated")) {
    return new DomainError(
      "Unavailable",
      "The connection to the database was lost. Whether the request was carried out is not known: look, then try again.",
      { cause: error },
    );
  }
  if (tookTooLong.test(code)) {
    return new DomainError(
      "TookTooLong",
      "Others were changing the same thing for too long. Nothing was changed; try again.",
      { cause: error },
    );
  }
  return error;
}
