import { createHash } from "node:crypto";
import { Pool } from "pg";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";

/** A try to sign in. */
export interface SignInTry {
  email: string;
  /** Where it comes from. */
  client: string;
  /** The browser, when this very person has signed in with it before. */
  device: string | undefined;
}

/** Counts tries to sign in, for all web processes together. */
export interface SignInLimit {
  /** Counts a try. Answers how many seconds to wait; 0 when it may go on. */
  count: (tried: SignInTry) => Promise<number>;
  /** Counts a try of somebody who has proven something already, by a session or the text of an invitation, apart from all others. */
  countProven: (what: string) => Promise<number>;
  /** Forgets the tries for an address, after one that succeeded. */
  forget: (tried: SignInTry) => Promise<void>;
  close: () => Promise<void>;
}

/** Wrong ones for one address from one place, or in one browser: enough for fingers, too few for a list of words. */
const triesPerPair = 10;
/** For one address from all places, but for browsers that its person knows: so strangers who try keep out strangers alone. */
const triesPerAddress = 30;
/** From one place: a whole office may sit behind it. */
const triesPerClient = 100;
const windowSeconds = 900;
/** For all addresses together, in browsers that nobody knows: each takes a third of a second and 128 MiB. Soon over, as strangers can bring it about. */
const triesInAll = 100;
const windowInAllSeconds = 60;

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
  const open = (keyPrefix: string, points: number, duration = windowSeconds): RateLimiterPostgres =>
    new RateLimiterPostgres({
      storeClient: pool,
      tableName: "sign_in_limits",
      tableCreated: true,
      keyPrefix,
      points,
      duration,
    });
  const byPair = open("pair", triesPerPair);
  const byAddress = open("address", triesPerAddress);
  const byClient = open("client", triesPerClient);
  const byProof = open("proven", triesPerPair);
  const inAll = open("all", triesInAll, windowInAllSeconds);
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
  const hide = (...texts: string[]): string => createHash("sha256").update(JSON.stringify(texts)).digest("base64url");
  const pairOf = ({ email, client, device }: SignInTry): string =>
    device === undefined ? hide(email, "from", client) : hide(email, "in", device);
  return {
    // What bounds most comes first: a try that is refused leaves no row for what is behind it.
    count: async (tried) => {
      const { email, client, device } = tried;
      if (device !== undefined) return consume(byPair, pairOf(tried));
      return (
        (await consume(byClient, hide(client))) ||
        (await consume(byPair, pairOf(tried))) ||
        (await consume(inAll, "all")) ||
        consume(byAddress, hide(email))
      );
    },
    countProven: (what) => consume(byProof, hide(what)),
    forget: async (tried) => {
      const { email, client, device } = tried;
      await byPair.delete(pairOf(tried));
      await byAddress.delete(hide(email));
      if (device !== undefined) return;
      // A whole office signs in from one place.
      await byClient.reward(hide(client));
      await inAll.reward("all");
    },
    close: () => pool.end(),
  };
}
