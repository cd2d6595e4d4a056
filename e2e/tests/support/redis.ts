import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, createConnection, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { readTestGround } from "./test-fleet.ts";

/** A real Redis of a test's own, whose every command is kept. */
export interface TestRedis {
  url: string;
  /** All that it was ever sent, as MONITOR tells it. */
  readCommands: () => string;
  /** Sends a command, and answers the first line of what comes back. */
  send: (command: string) => Promise<string>;
  /** Ends it as a crash would; it has kept nothing. */
  kill: () => Promise<void>;
  start: () => Promise<void>;
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function connect(port: number): Promise<Socket> {
  const socket = createConnection({ port, host: "127.0.0.1", timeout: 5_000 });
  socket.once("timeout", () => socket.destroy(new Error("Redis did not answer")));
  await once(socket, "connect");
  socket.setTimeout(0);
  return socket;
}

/** Starts a redis-server on a port that it keeps. */
export async function startRedis(): Promise<TestRedis> {
  const { parts } = await readTestGround();
  const program = parts.paths["redis-server"];
  if (program === undefined) throw new Error("the fleet's parts have no redis-server");
  const port = await findFreePort();
  let child: ChildProcess | undefined;
  const commands: string[] = [];
  const killAtExit = (): void => void child?.kill("SIGKILL");

  async function send(command: string): Promise<string> {
    const socket = await connect(port);
    try {
      const answer = new Promise<string>((resolve, reject) => {
        socket.once("data", (piece) => resolve(piece.toString("utf8")));
        socket.once("error", reject);
        socket.once("close", () => reject(new Error("Redis closed the connection")));
      });
      socket.write(`${command}\r\n`);
      return (await answer).split("\r\n")[0] ?? "";
    } finally {
      socket.destroy();
    }
  }

  async function start(): Promise<void> {
    child = spawn(program ?? "", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], {
      stdio: "ignore",
      env: { LD_LIBRARY_PATH: parts.environment["LD_LIBRARY_PATH"] },
    });
    process.once("exit", killAtExit);
    const endMs = performance.now() + 10_000;
    while ((await send("PING").catch(() => "")) !== "+PONG") {
      if (performance.now() > endMs) throw new Error(`${program} did not answer on port ${port} within 10 s`);
      await sleep(25);
    }
    const monitor = await connect(port);
    monitor.on("data", (piece) => commands.push(piece.toString("utf8")));
    monitor.on("error", () => undefined);
    monitor.write("MONITOR\r\n");
  }

  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    readCommands: () => commands.join(""),
    send,
    start,
    async kill() {
      process.off("exit", killAtExit);
      child?.kill("SIGKILL");
      if (child?.exitCode === null && child.signalCode === null) await once(child, "close");
    },
  };
}
