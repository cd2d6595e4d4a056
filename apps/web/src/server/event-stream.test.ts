import { afterEach, expect, test, vi } from "vitest";
import { createEventStream, type NoticeBatch, type StreamOptions } from "./event-stream.ts";

const timing = { heartbeatMs: 15_000, pollMs: 5_000, lookAgainMs: 25, farewellMs: 5_000 };
const none = (position: string): NoticeBatch => ({ events: [], position, more: false });

function event(number: number): NoticeBatch["events"][number] {
  return { id: `${number}-1`, type: "cluster.created", object: { kind: "cluster", id: `c${number}`, name: "shop" } };
}

function open(options: Partial<StreamOptions>) {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  const closed: true[] = [];
  const stream = createEventStream({
    first: none("7-0"),
    read: async (position) => none(position),
    checkKey: async () => true,
    keyExpiresAt: null,
    onClose: () => closed.push(true),
    timing,
    ...options,
  });
  const reader = stream.body.getReader();
  const next = async () => {
    const { value } = await reader.read();
    return value === undefined ? undefined : new TextDecoder().decode(value);
  };
  return { stream, reader, closed, next };
}

afterEach(() => {
  vi.useRealTimers();
});

test("the position comes first, so that a stream without events can be resumed", async () => {
  const { next, reader } = open({});
  expect(await next()).toBe("retry: 1000\nid: 7-0\n\n");
  await reader.cancel();
});

test("a stream behind a gap says so first, with the position from which it goes on", async () => {
  const { next, reader } = open({ first: { ...none("9-0"), hasGap: true } });
  expect(await next()).toBe('retry: 1000\nid: 9-0\nevent: reset\ndata: {"reason":"EventsErased"}\n\n');
  await reader.cancel();
});

test("events carry ids and names, and are read on behind the last one while there are more", async () => {
  const positions: string[] = [];
  const { next, reader } = open({
    first: { events: [event(1)], position: "1-1", more: true },
    read: async (position) => {
      positions.push(position);
      return position === "1-1" ? { events: [event(2)], position: "2-1", more: false } : none(position);
    },
  });
  expect(await next()).toBe("retry: 1000\n\n");
  expect(await next()).toBe(
    'id: 1-1\nevent: cluster.created\ndata: {"object":{"kind":"cluster","id":"c1","name":"shop"}}\n\n',
  );
  expect(await next()).toContain("id: 2-1\n");
  expect(positions).toEqual(["1-1"]);
  await reader.cancel();
});

test("a wake that brings nothing yet is followed by looks that come soon and then less often", async () => {
  const looks: number[] = [];
  const { stream, next, reader } = open({
    read: async (position) => {
      looks.push(Math.round(performance.now()));
      return none(position);
    },
  });
  await next();
  const pending = next();
  await vi.advanceTimersByTimeAsync(100);
  const wokenAt = Math.round(performance.now());
  stream.wake();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(looks.map((at) => at - wokenAt)).toEqual([0, 25, 75, 175, 375, 775]);
  await reader.cancel();
  await pending;
});

test("a notification that was lost costs at most the time between two polls", async () => {
  let batch = none("7-0");
  const { next, reader } = open({ read: async () => batch });
  await next();
  const pending = next();
  await vi.advanceTimersByTimeAsync(4_000);
  batch = { events: [event(8)], position: "8-1", more: false };
  await vi.advanceTimersByTimeAsync(1_001);
  expect(await pending).toContain("id: 8-1\n");
  await reader.cancel();
});

test("silence is broken by a comment after 15 s", async () => {
  const { next, reader } = open({});
  await next();
  const pending = next();
  let at = 0;
  void pending.then(() => (at = performance.now()));
  const from = performance.now();
  await vi.advanceTimersByTimeAsync(16_000);
  expect(await pending).toBe(": still here\n\n");
  expect(at - from).toBeGreaterThanOrEqual(15_000);
  await reader.cancel();
});

test("a database that can't answer delays events and does not end the stream", async () => {
  let fails = true;
  const { next, reader } = open({
    read: async () => {
      if (fails) throw new Error("gone");
      return { events: [event(9)], position: "9-1", more: false };
    },
  });
  await next();
  const pending = next();
  await vi.advanceTimersByTimeAsync(6_000);
  fails = false;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await pending).toContain("id: 9-1\n");
  await reader.cancel();
});

test.each(["KeyRevoked", "ShuttingDown"] as const)("%s is the last message", async (reason) => {
  const { stream, next, closed } = open({});
  await next();
  const pending = next();
  stream.end(reason);
  expect(await pending).toBe(`event: end\ndata: {"reason":"${reason}"}\n\n`);
  expect(await next()).toBeUndefined();
  expect(closed).toEqual([true]);
});

test("a key that was revoked unnoticed ends the stream at the next poll", async () => {
  const { next, closed } = open({ checkKey: async () => false });
  await next();
  const pending = next();
  await vi.advanceTimersByTimeAsync(10_001);
  expect(await pending).toContain("KeyRevoked");
  expect(await next()).toBeUndefined();
  expect(closed).toEqual([true]);
});

test("a key that expires ends the stream then", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  const { next } = open({ keyExpiresAt: new Date(Date.now() + 3_000) });
  await next();
  const pending = next();
  await vi.advanceTimersByTimeAsync(3_001);
  expect(await pending).toContain("KeyExpired");
});

test("everything is let go of when the reader goes", async () => {
  const { reader, next, closed } = open({});
  await next();
  const pending = next();
  await reader.cancel();
  expect(await pending).toBeUndefined();
  expect(closed).toEqual([true]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a reader that does not take the end is cut off", async () => {
  const { stream, closed } = open({});
  await vi.advanceTimersByTimeAsync(0);
  stream.end("KeyRevoked");
  await vi.advanceTimersByTimeAsync(5_001);
  expect(closed).toEqual([true]);
});
