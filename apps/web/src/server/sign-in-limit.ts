import { createHash } from "node:crypto";
import { Pool } from "pg";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";

/** Counts tries to sign in, for all web processes together. */
export interface SignInLimit {
  /**
   * Counts a try for an address, and for whoever tries. Answers how many seconds to wait; 0 when it may go on.
   * @param client where the try comes from, as far as that is known
   */
  count: (email: string, client?: string) => Promise<number>;
  /** Forgets the tries of an address, after one that succeeded. */
  forget: (email: string) => Promise<void>;
  close: () => Promise<void>;
}

/** Wrong ones for one address in a quarter of an hour: enough for fingers, too few for a list of words. */
const triesPerAddress = 10;
/** From one place in the same time: a whole office may sit behind it. */
const triesPerClient = 100;
/** For all addresses together in the same time: each takes a third of a second and 128 MiB. */
const triesInAll = 1_000;
const windowSeconds = 900;

/** @param databaseUrl of the web role */
export function createSignInLimit(databaseUrl: string): SignInLimit {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: 2,
    application_name: "pilothouse-sign-in",
    connectionTimeoutMillis: 5_000,
    statement_timeout: 5_000,
  });
  pool.on("error", () => undefined);
  const open = (keyPrefix: string, points: number): RateLimiterPostgres =>
    new RateLimiterPostgres({
      storeClient: pool,
      tableName: "sign_in_limits",
      tableCreated: true,
      keyPrefix,
      points,
      duration: windowSeconds,
    });
  const byAddress = open("address", triesPerAddress);
  const byClient = open("client", triesPerClient);
  const inAll = open("all", triesInAll);
  const consume = async (limiter: RateLimiterPostgres, key: string): Promise<number> => {
    try {
      await limiter.consume(key);
      return 0;
    } catch (error) {
      if (error instanceof RateLimiterRes) return Math.max(1, Math.ceil(error.msBeforeNext / 1_000));
      throw error;
    }
  };
  // Neither addresses nor places are kept as they are.
  const hide = (email: string): string => createHash("sha256").update(email).digest("base64url");
  return {
    count: async (email, client) =>
      (client === undefined ? 0 : await consume(byClient, hide(client))) ||
      (await consume(byAddress, hide(email))) ||
      (await consume(inAll, "all")),
    forget: async (email) => void (await byAddress.delete(hide(email))),
    close: () => pool.end(),
  };
}
