import { spawn } from "node:child_process";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Found by the suite's setup. */
    redisProgram: { program: string; libraries: string };
  }
}

/** A Redis of a test file's own. */
export interface Redis {
  url: string;
  stop: () => Promise<void>;
}

/** Starts a redis-server that keeps nothing. */
export async function startRedis(): Promise<Redis> {
  const { program, libraries } = inject("redisProgram");
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port of the loopback was found");
  const { port } = address;
  const child = spawn(program, ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], {
    stdio: "ignore",
    env: { LD_LIBRARY_PATH: libraries },
  });
  await once(child, "spawn");
  const isUp = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = createConnection(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
  for (let tries = 0; tries < 100 && !(await isUp()); tries += 1) await sleep(50);
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      child.kill("SIGTERM");
      await once(child, "close");
    },
  };
}
