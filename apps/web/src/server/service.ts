import type { Job } from "@pilothouse/contract";
import {
  type Actor,
  connectDatabase,
  type Database,
  createJobQueue,
  eraseExpiredSecrets,
  type RequestContext,
} from "@pilothouse/core";
import { rateWindowSeconds, readOwnConfig, type WebConfig } from "./config.ts";
import { createEventHub, type EventHub } from "./event-hub.ts";
import { describeError, log } from "./log.ts";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";
import type { SessionSettings } from "./session-cookie.ts";
import { createSharedReads, type SharedReads } from "./shared-reads.ts";
import { createSignInLimit, type SignInLimit } from "./sign-in-limit.ts";
import { createStreamRegistry, type StreamRegistry } from "./stream-registry.ts";

/**
 * What all requests of this process share. Nothing in it throws errors that callers tell apart by their class: Next bundles routes apart from the
 * code that starts the process, so there may be two of each class.
 */
export interface Service extends SessionSettings {
  database: Database;
  rateLimit: RateLimit;
  signInLimit: SignInLimit;
  events: EventHub;
  streams: StreamRegistry;
  sharedReads: SharedReads;
  /** How many proxies are in front, each of which adds whom it saw to X-Forwarded-For. */
  proxies: number;
  /** Where `npm run up` writes how far it is. */
  setupFile: string | undefined;
  createContext: (actor: Actor, idempotency: RequestContext["idempotency"]) => RequestContext;
  /** Time between not being ready any more and taking no more connections. */
  shutdownNoticeMs: number;
  /** Lets go of everything that is open. Streams are ended first, by `streams.close`. */
  close: () => Promise<void>;
}

/** Between two looks for sealed secrets whose time is over, in milliseconds. */
const eraseIntervalMs = 30_000;

declare global {
  // Next may load a module more than once in a process; connections must not double with it.
  var pilothouseService: Service | undefined;
}

/** The one service of this process, made when it is first asked for. @throws Error when the environment is not complete */
export function getService(): Service {
  globalThis.pilothouseService ??= createService(readOwnConfig());
  return globalThis.pilothouseService;
}

function createService(config: WebConfig): Service {
  const database = connectDatabase(config.databaseUrl);
  const { databaseUrl, redisUrl } = config;
  const queue = createJobQueue({
    databaseUrl,
    redisUrl,
    onError: (error) => {
      log("warn", "the queue can't be reached; the poller finds what it should have said", describeError(error));
    },
  });
  const events = createEventHub(config.databaseUrl);
  const signInLimit = createSignInLimit(config.databaseUrl);
  const onWakeFailed = (error: unknown, job: Job) => {
    log("warn", "a job was not queued; the poller finds its object", { ...job, ...describeError(error) });
  };
  const erasing = setInterval(() => {
    eraseExpiredSecrets(database).catch((error: unknown) => {
      log("warn", "expired secrets could not be erased; it is tried again", describeError(error));
    });
  }, eraseIntervalMs);
  erasing.unref();
  return {
    database,
    origin: config.origin,
    sessionSecret: config.sessionSecret,
    signInLimit,
    rateLimit: createRateLimit(config.rateLimit, rateWindowSeconds),
    events,
    streams: createStreamRegistry(config.streamLimit),
    sharedReads: createSharedReads(),
    proxies: config.proxies,
    setupFile: config.setupFile,
    createContext: (actor, idempotency) => ({
      database,
      actor,
      wake: queue.wake,
      onWakeFailed,
      config: { domain: config.domain },
      ...(idempotency === undefined ? {} : { idempotency }),
    }),
    shutdownNoticeMs: config.shutdownNoticeMs,
    close: async () => {
      clearInterval(erasing);
      await Promise.allSettled([events.close(), queue.close(), signInLimit.close(), database.$disconnect()]);
    },
  };
}
