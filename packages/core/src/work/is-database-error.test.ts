import { createServer } from "node:net";
import { expect, test } from "vitest";
import { connectDatabase } from "../database/connect.ts";
import { isDatabaseError } from "./is-database-error.ts";

async function fail(url: string): Promise<unknown> {
  const database = connectDatabase(url, 1);
  try {
    return await database.$queryRaw`SELECT 1`.then(
      () => undefined,
      (error: unknown) => error,
    );
  } finally {
    await database.$disconnect();
  }
}

test("a database that refuses, that ends connections, or that answers nothing", async () => {
  const ending = createServer((socket) => socket.destroy());
  const silent = createServer(() => undefined);
  const open = (server: typeof ending) =>
    new Promise<string>((resolve) =>
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? `postgres://u:p@127.0.0.1:${address.port}/d` : "");
      }),
    );
  const urls = ["postgres://u:p@127.0.0.1:1/d", await open(ending), await open(silent)];
  const errors = await Promise.all(urls.map(fail));
  expect(errors.map((error) => [error === undefined, isDatabaseError(error)])).toEqual(urls.map(() => [false, true]));
  ending.close();
  silent.close();
}, 20_000);

test.for([new TypeError("x"), new Error("Sealed secret can't be opened."), "text", undefined])("%s is none", (error) =>
  expect(isDatabaseError(error)).toBe(false),
);
