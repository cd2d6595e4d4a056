import { createServer, type RequestListener, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { watchOpenRequests } from "./open-requests.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

test("an answer that was ended, and not read yet, is finished; new connections are refused", async () => {
  const requests = watchOpenRequests();
  const length = 32 * 1024 * 1024;
  const url = await serve((_, response) => response.end(Buffer.alloc(length)));
  const answer = await fetch(url);
  let finished = false;
  const finishing = requests.finish().then(() => (finished = true));
  await sleep(100);
  await expect(fetch(url)).rejects.toThrow("fetch failed");
  expect(finished).toBe(false);
  expect((await answer.arrayBuffer()).byteLength).toBe(length);
  await finishing;
});

test("a client that goes is not waited for", async () => {
  const requests = watchOpenRequests();
  const url = await serve((_, response) => response.write("more follows, never"));
  const stop = new AbortController();
  await fetch(url, { signal: stop.signal });
  const finishing = requests.finish();
  stop.abort();
  await expect(finishing).resolves.toBeUndefined();
});

test("a stream whose reader takes nothing is cut off, and other answers are not", async () => {
  const requests = watchOpenRequests();
  const held: (() => void)[] = [];
  const url = await serve((request, response) => {
    if (request.url === "/stream") response.setHeader("content-type", "text/event-stream; charset=utf-8");
    response.flushHeaders();
    held.push(() => response.end("all"));
  });
  const [stream, other] = [await fetch(`${url}/stream`), await fetch(url)];
  const finishing = requests.finish();
  requests.dropStreams();
  await expect(stream.text()).rejects.toThrow("terminated");
  for (const end of held) end();
  expect(await other.text()).toBe("all");
  await finishing;
});

test("who is turned away comes back over another connection", async () => {
  const requests = watchOpenRequests();
  const url = await serve((_, response) => response.end());
  expect((await fetch(url)).headers.get("connection")).toBe("keep-alive");
  requests.turnAway();
  expect((await fetch(url)).headers.get("connection")).toBe("close");
});

test("without any request there is nothing to wait for", async () => {
  await expect(watchOpenRequests().finish()).resolves.toBeUndefined();
});
