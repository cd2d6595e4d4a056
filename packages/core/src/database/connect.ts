import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient, type Prisma } from "../generated/client.ts";
import { translateOutage } from "./describe-error.ts";

/** A database as one role sees it. */
export type Database = PrismaClient;

/** What runs inside one transaction. */
export type Transaction = Prisma.TransactionClient;

/** How long a transaction may take, and wait for a connection, in milliseconds: a request's own limit is longer. */
const transactionLimits = { timeout: 10_000, maxWait: 5_000 };

/**
 * Opens a pool of connections as the role that `url` names.
 * @param poolSize most connections at a time
 */
export function connectDatabase(url: string, poolSize = 10): Database {
  return new PrismaClient({
    adapter: new PrismaPg({
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: 5_000,
      // Also for a statement that waits for a lock: nobody waits longer than a request lasts.
      statement_timeout: 10_000,
      idle_in_transaction_session_timeout: 15_000,
      // When nothing comes back any more, not even that the connection is gone.
      query_timeout: 15_000,
      keepAlive: true,
      application_name: "pilothouse",
    }),
    transactionOptions: transactionLimits,
  });
}

/** Runs `work` in a transaction of the platform: it sees what belongs to no tenant, and the list of tenants. */
export async function withPlatform<Result>(
  database: Database,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  return database.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT set_config('pilothouse.platform', 'on', true)`;
    return work(transaction);
  });
}

/**
 * Runs `work` in a transaction of a person: it sees what is that person's own.
 * @throws DomainError Unavailable, TookTooLong, and what `work` throws
 */
export async function withPerson<Result>(
  database: Database,
  userId: string,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  try {
    return await database.$transaction(async (transaction) => {
      await transaction.$executeRaw`SELECT set_config('pilothouse.user', ${userId}, true)`;
      return work(transaction);
    });
  } catch (error) {
    throw translateOutage(error);
  }
}
