import type { Transaction } from "./connect.ts";

/** The time of this transaction by the database's clock, by which all processes agree. */
export async function readDatabaseTime(transaction: Transaction): Promise<Date> {
  const [row] = await transaction.$queryRaw<{ now: Date }[]>`SELECT now()::timestamptz(3) AS now`;
  if (row === undefined) throw new Error("The database answered no time.");
  return row.now;
}
