import { Prisma } from "../generated/client.ts";

const kinds = [
  Prisma.PrismaClientKnownRequestError,
  Prisma.PrismaClientUnknownRequestError,
  Prisma.PrismaClientInitializationError,
  Prisma.PrismaClientRustPanicError,
  Prisma.PrismaClientValidationError,
];

/** What pg and pg-pool say of the way to the database: Prisma's adapter passes these on as they are. */
const driverMessages = new Set([
  "timeout exceeded when trying to connect",
  "timeout expired",
  "Connection terminated",
  "Connection terminated due to connection timeout",
  "Connection terminated unexpectedly",
  "Query read timeout",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
  "Cannot use a pool after calling end on the pool",
]);

const networkCalls = new Set(["connect", "read", "write", "getaddrinfo"]);

/** Whether an error came from the database or from the way to it, and says nothing of anything else. */
export function isDatabaseError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (kinds.some((kind) => error instanceof kind)) return true;
  if (error.name === "DriverAdapterError" || driverMessages.has(error.message)) return true;
  return "syscall" in error && typeof error.syscall === "string" && networkCalls.has(error.syscall);
}
