import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the ports that Linux gives to whoever connects or listens without naming one, so that nobody gets it by chance. */
const range = { from: 20_000, to: 30_000 };
const mostTries = 5;

/**
 * Starts a server that has to be told its port: on one that is free, and on another one when somebody took it before the server did.
 * @param start rejects when its server ended before it was ready
 * @throws AggregateError with what each try ended with
 */
export async function startOnFreePort<Server>(start: (port: number) => Promise<Server>): Promise<Server> {
  const failures: unknown[] = [];
  while (failures.length < mostTries) {
    const port = randomInt(range.from, range.to);
    if (!(await isFree(port))) continue;
    try {
      return await start(port);
    } catch (error) {
      failures.push(error);
      // Whatever else is wrong is so on every port.
      if (await isFree(port)) break;
    }
  }
  throw new AggregateError(failures, `No server started in ${failures.length} tries: ${String(failures.at(-1))}`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((settle) => {
    server.once("error", () => settle(false));
    server.listen(port, "127.0.0.1", () => server.close(() => settle(true)));
  });
}
