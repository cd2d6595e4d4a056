import { Prisma } from "../generated/client.ts";

const kinds = [
  Prisma.PrismaClientKnownRequestError,
  Prisma.PrismaClientUnknownRequestError,
  Prisma.PrismaClientInitializationError,
  Prisma.PrismaClientRustPanicError,
  Prisma.PrismaClientValidationError,
];

/** Whether an error came from the database or from the way to it, and says nothing of anything else. */
export function isDatabaseError(error: unknown): boolean {
  if (kinds.some((kind) => error instanceof kind)) return true;
  // The adapter's own, where Prisma passes it on as it is.
  return error instanceof Error && error.name === "DriverAdapterError";
}
