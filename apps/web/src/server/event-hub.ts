import { setTimeout as sleep } from "node:timers/promises";
import { eventsChannel, keysChannel } from "@pilothouse/contract";
import { Client, type Notification } from "pg";
import { describeError, log } from "./log.ts";

/** Who wants to know, and of what. */
export interface Subscriber {
  /** Null for events of all tenants. */
  tenantId: string | null;
  credentialId: string;
  /** There may be something new. */
  onWake: () => void;
  /** The key or session was revoked. */
  onRevoked: () => void;
}

export interface EventHub {
  /** Returns what ends the subscription. */
  subscribe: (subscriber: Subscriber) => () => void;
  close: () => Promise<void>;
}

const firstPauseMs = 100;
const longestPauseMs = 5_000;

/**
 * Hands the database's notifications to all streams of this process, over one connection. When that is lost it is made again, and everybody is
 * woken, since notifications of the time between are gone.
 */
export function createEventHub(databaseUrl: string): EventHub {
  const subscribers = new Set<Subscriber>();
  const closing = new AbortController();
  let listening: Promise<void> | undefined;
  const wakeAll = () => {
    for (const { onWake } of subscribers) onWake();
  };
  const hear = ({ channel, payload }: Notification) => {
    for (const subscriber of subscribers) {
      const isMeant = subscriber.tenantId === null || payload === subscriber.tenantId;
      if (channel === eventsChannel && isMeant) subscriber.onWake();
      if (channel === keysChannel && payload === subscriber.credentialId) subscriber.onRevoked();
    }
  };
  const listenForEver = async () => {
    let pauseMs = firstPauseMs;
    while (!closing.signal.aborted) {
      try {
        await listenOnce(databaseUrl, hear, closing.signal, () => {
          pauseMs = firstPauseMs;
          wakeAll();
        });
      } catch (error) {
        log("warn", "listening for events was interrupted", describeError(error));
      }
      await sleep(pauseMs, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  };
  return {
    subscribe: (subscriber) => {
      subscribers.add(subscriber);
      listening ??= listenForEver();
      return () => subscribers.delete(subscriber);
    },
    close: async () => {
      closing.abort();
      await listening;
    },
  };
}

/** Listens until the connection ends. */
async function listenOnce(
  connectionString: string,
  hear: (notification: Notification) => void,
  signal: AbortSignal,
  onReady: () => void,
): Promise<void> {
  const client = new Client({
    connectionString,
    application_name: "pilothouse-events",
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
    keepAlive: true,
  });
  const ended = new Promise<void>((resolve, reject) => {
    client.once("end", resolve);
    client.once("error", reject);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  // Also when it ends before anybody waits for it.
  ended.catch(() => {});
  client.on("error", () => {});
  client.on("notification", hear);
  try {
    await client.connect();
    await client.query(`LISTEN ${eventsChannel}`);
    await client.query(`LISTEN ${keysChannel}`);
    onReady();
    await ended;
  } finally {
    await client.end().catch(() => {});
  }
}
