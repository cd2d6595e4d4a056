import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createClient } from "./client.ts";
import { watchEvents } from "./watch-events.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A stream with a heartbeat every 15 s and no event, which ends after so long. */
function answerStream(lifeMs: number): Response {
  const encoder = new TextEncoder();
  let beat: NodeJS.Timeout | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(encoder.encode("retry: 1000\nid: 1-0\n\n"));
      beat = setInterval(() => controller.enqueue(encoder.encode(": still here\n\n")), 15_000);
      setTimeout(() => {
        clearInterval(beat);
        controller.close();
      }, lifeMs);
    },
    cancel: () => clearInterval(beat),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** Milliseconds from the end of each connection to the next one, for so many connections that each live so long. */
async function measurePauses(lifeMs: number, connections: number): Promise<number[]> {
  const openedAt: number[] = [];
  const abort = new AbortController();
  const client = createClient({
    baseUrl: "http://service.test",
    apiKey: "key",
    fetch: () => {
      openedAt.push(performance.now());
      return Promise.resolve(answerStream(lifeMs));
    },
  });
  const watching = (async () => {
    for await (const event of watchEvents(client, { tenant: "shop", signal: abort.signal })) void event;
  })();
  while (openedAt.length < connections) {
    await vi.advanceTimersByTimeAsync(250);
    // What streams do between timers.
    await new Promise((settle) => setImmediate(settle));
  }
  abort.abort();
  await vi.advanceTimersByTimeAsync(100_000);
  await watching;
  return openedAt.slice(1).map((at, index) => at - (openedAt[index] ?? 0) - lifeMs);
}

test("a stream that stood for long is opened again soon, however often that was, and although no event came", async () => {
  const pauses = await measurePauses(60_000, 9);
  expect(Math.max(...pauses)).toBeLessThan(2_000);
});

test("streams that end at once are opened ever more slowly", async () => {
  const pauses = await measurePauses(0, 8);
  expect(pauses.at(-1)).toBeGreaterThan(10_000);
});
