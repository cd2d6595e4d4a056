import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** A Redis of the suite's. */
    redisUrl: string;
  }
}

const root = resolve(import.meta.dirname, "../../../..");

/** A real web server, as it runs in production, in a process of its own. */
export interface WebServer {
  url: string;
  pid: number;
  /** What it wrote so far. */
  output: () => string;
  /** Sends SIGTERM, and waits for the end. */
  stop: () => Promise<WebServerEnd>;
}

/** How a web server ended: its exit code, null when it was killed, and how long that took, in milliseconds. */
export interface WebServerEnd {
  code: number | null;
  durationMs: number;
}

/** What browsers would be told; the port is chosen by the server. */
export const portalUrl = "http://portal.test";

/**
 * With `PILOTHOUSE_TEST_QUEUE=Redis` all of them have their queue there, and on Postgres otherwise.
 * @param environment beyond PILOTHOUSE_PROVIDER: DATABASE_URL at least
 */
export async function startWeb(environment: Record<string, string>): Promise<WebServer> {
  const folder = mkdtempSync(join(tmpdir(), "pilothouse-web-"));
  const provider = join(folder, "provider.json");
  writeFileSync(provider, JSON.stringify({ domain: "mesh.example.org" }));
  const queue = process.env["PILOTHOUSE_TEST_QUEUE"] === "Redis" ? { REDIS_URL: inject("redisUrl") } : {};
  const output: string[] = [];
  const child = spawn(
    process.execPath,
    [join(root, "node_modules/next/dist/bin/next"), "start", "-p", "0", "-H", "127.0.0.1"],
    {
      cwd: join(root, "apps/web"),
      env: {
        NODE_ENV: "production",
        PATH: process.env["PATH"],
        NEXT_TELEMETRY_DISABLED: "1",
        PILOTHOUSE_PROVIDER: provider,
        PILOTHOUSE_URL: portalUrl,
        PILOTHOUSE_SESSION_SECRET: "a secret of the tests alone, long enough",
        PILOTHOUSE_SHUTDOWN_NOTICE_MS: "0",
        // Tests are browsers behind one proxy, each at an address of its own.
        PILOTHOUSE_PROXIES: "1",
        ...queue,
        ...environment,
      },
    },
  );
  child.stdout.on("data", (piece: Buffer) => output.push(piece.toString()));
  child.stderr.on("data", (piece: Buffer) => output.push(piece.toString()));
  const ended = new Promise<void>((settle) => child.once("close", () => settle()));
  const stop = async () => {
    const from = performance.now();
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
    return { code: child.exitCode, durationMs: performance.now() - from };
  };
  for (let tries = 0; tries < 300 && child.exitCode === null; tries += 1) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output.join(""))?.[0];
    const response = url === undefined ? undefined : await fetch(`${url}/healthz`).catch(() => undefined);
    if (url !== undefined && response?.ok === true)
      return { url, pid: child.pid ?? 0, output: () => output.join(""), stop };
    await sleep(100);
  }
  await stop();
  throw new Error(`The web server did not start. It said:\n${output.join("")}`);
}
