import type { Session } from "@pilothouse/contract";
import { type Database, withPerson } from "../database/connect.ts";

const most = 100;

/** A person's own sessions that hold now, the newest first. */
export async function listSessions(
  database: Database,
  { userId, current }: { userId: string; /** The one that asks. */ current: string | undefined },
): Promise<Session[]> {
  const rows = await withPerson(database, userId, (transaction) =>
    transaction.session.findMany({
      where: { userId, revokedAt: null, expiresAt: { gt: new Date() } },
      orderBy: { createdAt: "desc" },
      take: most,
    }),
  );
  return rows.map(({ id, userAgent, createdAt, expiresAt }) => ({
    id,
    userAgent,
    isCurrent: id === current,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  }));
}
