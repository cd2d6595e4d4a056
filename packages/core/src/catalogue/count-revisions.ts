import type { Transaction } from "../database/connect.ts";

interface CountRow {
  version: string;
  line: string;
  revisions: number;
}

/** How many revisions there are, by version or by line; for transactions of the platform. Those without any are missing. */
export async function countRevisions(
  transaction: Transaction,
  by: "version" | "line",
): Promise<ReadonlyMap<string, number>> {
  const rows = await transaction.$queryRaw<CountRow[]>`SELECT * FROM count_revisions()`;
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row[by], (counts.get(row[by]) ?? 0) + row.revisions);
  return counts;
}
