import { createServer, type Server } from "node:net";
import { expect, test } from "vitest";
import { startOnFreePort } from "./support/free-port.ts";

function listen(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((settle, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => settle(server));
  });
}

test("a server whose port was taken before it listened starts on another one", async () => {
  const taken: { port: number; by: Server }[] = [];
  const started = await startOnFreePort(async (port) => {
    if (taken.length === 0) taken.push({ port, by: await listen(port) });
    return { port, server: await listen(port) };
  });
  expect(started.port).not.toBe(taken[0]?.port);
  for (const server of [started.server, ...taken.map(({ by }) => by)]) server.close();
});

test("what fails on a port that is free is not tried again", async () => {
  let tries = 0;
  const start = startOnFreePort(async () => {
    tries += 1;
    throw new Error("no such program");
  });
  await expect(start).rejects.toThrow("no such program");
  expect(tries).toBe(1);
});
