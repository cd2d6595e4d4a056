import { type Client, watchEvents } from "@pilothouse/contract";

/** Hears from a tenant's event stream which operations have ended. */
export interface OperationFollower {
  /**
   * Waits until the stream says that an operation has ended, or said so before.
   * @throws Error when it has not within `limitMs` milliseconds, or when the stream is refused
   */
  waitForEnd(id: string, limitMs: number): Promise<void>;
  close(): Promise<void>;
}

const openLimitMs = 15_000;
const endings = new Set(["operation.succeeded", "operation.failed", "operation.superseded"]);

/** Opens a tenant's event stream, and returns once it stands. */
export async function followOperations(client: Client, tenant: string): Promise<OperationFollower> {
  const ended = new Set<string>();
  const waiting = new Map<string, () => void>();
  const closing = new AbortController();
  const opened = Promise.withResolvers<undefined>();
  const follow = async (): Promise<void> => {
    const options = { tenant, signal: closing.signal, onOpen: () => opened.resolve(undefined) };
    for await (const { type, object } of watchEvents(client, options)) {
      if (!endings.has(type)) continue;
      ended.add(object.id);
      waiting.get(object.id)?.();
    }
  };
  const following = follow();
  // Whoever waits then hears of it.
  following.catch(() => undefined);

  async function limit(work: Promise<unknown>, limitMs: number, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(() => fail(new Error(`${what} after ${limitMs / 1_000} s`)), limitMs);
    });
    try {
      await Promise.race([work, late, following]);
    } finally {
      clearTimeout(timer);
    }
  }

  await limit(opened.promise, openLimitMs, "the event stream does not stand");
  return {
    async waitForEnd(id, limitMs) {
      if (ended.has(id)) return;
      const end = new Promise<void>((settle) => waiting.set(id, settle));
      try {
        await limit(end, limitMs, `no event told of the end of operation ${id}`);
      } finally {
        waiting.delete(id);
      }
    },
    async close() {
      closing.abort();
      await following;
    },
  };
}
