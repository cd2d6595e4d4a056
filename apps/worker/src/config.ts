import { z } from "zod";
import { providerSettingsSchema } from "./provider-settings.ts";
import { readFile } from "node:fs/promises";
import type { ProviderSettings } from "./provider-settings.ts";

/** What a worker is told, by its environment and the provider's settings. */
export interface WorkerConfig {
  /** Connects as the role `pilothouse_worker`. */
  databaseUrl: string;
  /** The queue is on Redis when set, else on the database. */
  redisUrl?: string;
  /** Folder of private keys, readable by this worker alone. */
  sealingKeys: string;
  provider: ProviderSettings;
  http: { host: string; port: number };
  /** Most looks at a time, in all and per istiod cluster. */
  limits: { overall: number; perShard: number };
  /** Most sentinels of this worker, and most that look at the same time. */
  sentinels: { most: number; mostLooking: number };
  janitor: "report" | "remove";
  /** How long looks may go on after SIGTERM, in milliseconds. */
  drainMs: number;
  /** Of istiods' tokens, in seconds. */
  tokenLifetimeSeconds: number;
}

const count = (otherwise: number) => z.coerce.number().int().min(1).max(100_000).default(otherwise);

const environmentSchema = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  PILOTHOUSE_SEALING_KEYS: z.string().min(1),
  PILOTHOUSE_PROVIDER: z.string().min(1),
  HOST: z.string().default("127.0.0.1"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(9_464),
  PILOTHOUSE_WORKER_LOOKS: count(32),
  PILOTHOUSE_WORKER_LOOKS_PER_ISTIOD_CLUSTER: count(8),
  PILOTHOUSE_WORKER_SENTINELS: count(2_000),
  PILOTHOUSE_WORKER_SENTINELS_LOOKING: count(16),
  PILOTHOUSE_JANITOR: z.enum(["report", "remove"]).default("report"),
  PILOTHOUSE_DRAIN_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
  PILOTHOUSE_ISTIOD_TOKEN_SECONDS: z.coerce.number().int().min(600).max(31_536_000).default(86_400),
});

/**
 * Reads a worker's configuration.
 * @throws Error that names each variable that is missing or wrong, without its value
 */
export async function readWorkerConfig(environment: Record<string, string | undefined>): Promise<WorkerConfig> {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new Error(`The worker's environment is not complete: ${problems.join("; ")}`);
  }
  const found = parsed.data;
  return {
    databaseUrl: found.DATABASE_URL,
    ...(found.REDIS_URL === undefined ? {} : { redisUrl: found.REDIS_URL }),
    sealingKeys: found.PILOTHOUSE_SEALING_KEYS,
    provider: await readProviderSettings(found.PILOTHOUSE_PROVIDER),
    http: { host: found.HOST, port: found.PORT },
    limits: { overall: found.PILOTHOUSE_WORKER_LOOKS, perShard: found.PILOTHOUSE_WORKER_LOOKS_PER_ISTIOD_CLUSTER },
    sentinels: { most: found.PILOTHOUSE_WORKER_SENTINELS, mostLooking: found.PILOTHOUSE_WORKER_SENTINELS_LOOKING },
    janitor: found.PILOTHOUSE_JANITOR,
    drainMs: found.PILOTHOUSE_DRAIN_MS,
    tokenLifetimeSeconds: found.PILOTHOUSE_ISTIOD_TOKEN_SECONDS,
  };
}

async function readProviderSettings(path: string): Promise<ProviderSettings> {
  const parsed = providerSettingsSchema.safeParse(JSON.parse(await readFile(path, "utf8")));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`The provider's settings in ${path} are not complete: ${problems.join("; ")}`);
}
