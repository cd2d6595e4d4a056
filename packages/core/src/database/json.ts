import type { Prisma } from "../generated/client.ts";

/** A value as a JSON column takes it: what JSON has no words for, such as `undefined`, is left out. */
export function toJson(value: unknown): Prisma.InputJsonValue {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON.parse answers `any`; what came through JSON.stringify is JSON
  return JSON.parse(JSON.stringify(value)) as Prisma.InputJsonValue;
}
