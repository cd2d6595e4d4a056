import { readFileSync } from "node:fs";
import { z } from "zod";

/** What the web process is started with. */
export interface WebConfig {
  /** As the role `pilothouse_web`. */
  databaseUrl: string;
  /** The queue's, when it is on Redis; it is on the database otherwise. */
  redisUrl: string | undefined;
  /** Parent domain of all revisions' hostnames. */
  domain: string;
  /** Scheme, host and port of the portal as browsers see it. */
  origin: string;
  /** What session cookies are sealed with; the same for all web processes. */
  sessionSecret: string;
  /** Where `npm run up` writes how far it is; undefined when the service was started in another way. */
  setupFile: string | undefined;
  /** How many proxies are in front, each of which adds whom it saw to X-Forwarded-For. */
  proxies: number;
  /** Requests that one API key may make in each window of ten seconds, per process. */
  rateLimit: number;
  /** Event streams that one API key may have open, per process. */
  streamLimit: number;
  /** Told to stop, it still takes connections for so long, in milliseconds, so that load balancers see that it is not ready. */
  shutdownNoticeMs: number;
}

/** Length of the rate limit's window, in seconds. */
export const rateWindowSeconds = 10;

const urlSchema = z.string().regex(/^postgres(ql)?:\/\/\S+$/, { error: "must be a postgres:// URL" });

const environmentSchema = z.object({
  DATABASE_URL: urlSchema,
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/\S+$/, { error: "must be a redis:// or rediss:// URL" })
    .optional(),
  PILOTHOUSE_PROVIDER: z.string().min(1),
  PILOTHOUSE_URL: z
    .url({ protocol: /^https?$/, error: "must be the http:// or https:// URL at which browsers find the portal" })
    .refine((url) => new URL(url).pathname === "/", { error: "must have no path" }),
  PILOTHOUSE_SESSION_SECRET: z.string().min(32, { error: "must have at least 32 random characters" }),
  PILOTHOUSE_SETUP: z.string().optional(),
  PILOTHOUSE_PROXIES: z.coerce.number().int().min(0).max(10).default(0),
  PILOTHOUSE_RATE_LIMIT: z.coerce.number().int().min(1).default(500),
  PILOTHOUSE_STREAM_LIMIT: z.coerce.number().int().min(1).default(20),
  PILOTHOUSE_SHUTDOWN_NOTICE_MS: z.coerce.number().int().min(0).max(15_000).default(2_000),
});

/** The provider's file is the worker's; the web needs nothing else of it. */
const providerSchema = z.object({
  domain: z.string().regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/),
});

/**
 * Reads the configuration out of environment variables: DATABASE_URL, PILOTHOUSE_PROVIDER (path of the provider's JSON file, shared with
 * the workers), PILOTHOUSE_URL, PILOTHOUSE_SESSION_SECRET, and optionally REDIS_URL, PILOTHOUSE_SETUP (path of the file in which `npm run up` says how
 * far it is), PILOTHOUSE_PROXIES (how many proxies are in front), PILOTHOUSE_RATE_LIMIT (requests per key in ten seconds), PILOTHOUSE_STREAM_LIMIT and PILOTHOUSE_SHUTDOWN_NOTICE_MS.
 * @throws Error that names the variable and what is wrong with it, without its value
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): WebConfig {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) throw new Error(`The environment is not complete. ${describeIssues(parsed.error)}`);
  const { data } = parsed;
  return {
    databaseUrl: data.DATABASE_URL,
    redisUrl: data.REDIS_URL,
    domain: readDomain(data.PILOTHOUSE_PROVIDER),
    origin: new URL(data.PILOTHOUSE_URL).origin,
    sessionSecret: data.PILOTHOUSE_SESSION_SECRET,
    setupFile: data.PILOTHOUSE_SETUP,
    proxies: data.PILOTHOUSE_PROXIES,
    rateLimit: data.PILOTHOUSE_RATE_LIMIT,
    streamLimit: data.PILOTHOUSE_STREAM_LIMIT,
    shutdownNoticeMs: data.PILOTHOUSE_SHUTDOWN_NOTICE_MS,
  };
}

function readDomain(path: string): string {
  try {
    return providerSchema.parse(JSON.parse(readFileSync(path, "utf8"))).domain;
  } catch (error) {
    const reason = error instanceof z.ZodError ? describeIssues(error) : String(error);
    throw new Error(`PILOTHOUSE_PROVIDER names ${path}, which can't be used: ${reason}`, { cause: error });
  }
}

function describeIssues(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
}

/** The configuration of this process. */
export function readOwnConfig(): WebConfig {
  return readConfig(process.env);
}
