import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "./config.ts";

let folder = "";
let provider = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "web-config-"));
  provider = join(folder, "provider.json");
  writeFileSync(provider, JSON.stringify({ domain: "mesh.example.org", helm: "helm" }));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const least = () => ({
  DATABASE_URL: "postgres://web@db/p",
  PILOTHOUSE_PROVIDER: provider,
  PILOTHOUSE_URL: "https://portal.example.org/",
  PILOTHOUSE_SESSION_SECRET: "s".repeat(32),
});

test("what is not given has a default, and an empty variable is not given", () => {
  expect(readConfig({ ...least(), REDIS_URL: "" })).toEqual({
    databaseUrl: "postgres://web@db/p",
    redisUrl: undefined,
    domain: "mesh.example.org",
    origin: "https://portal.example.org",
    sessionSecret: "s".repeat(32),
    proxies: 0,
    rateLimit: 500,
    streamLimit: 20,
    shutdownNoticeMs: 2_000,
  });
});

test.each([
  [{ DATABASE_URL: "mysql://secret@db" }, "DATABASE_URL"],
  [{ REDIS_URL: "http://secret@redis" }, "REDIS_URL"],
  [{ PILOTHOUSE_URL: "https://portal.example.org/secret" }, "PILOTHOUSE_URL"],
  [{ PILOTHOUSE_SESSION_SECRET: "secret" }, "PILOTHOUSE_SESSION_SECRET"],
  [{ PILOTHOUSE_RATE_LIMIT: "secret" }, "PILOTHOUSE_RATE_LIMIT"],
  [{ PILOTHOUSE_PROVIDER: "missing.json" }, "missing.json"],
])("%j is refused by name, and its value is not repeated", (environment, name) => {
  const read = () => readConfig({ ...least(), ...environment });
  expect(read).toThrow(name);
  expect(read).not.toThrow("secret");
});
