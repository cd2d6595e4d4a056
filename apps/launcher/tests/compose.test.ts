import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

declare module "vitest" {
  interface ProvidedContext {
    /** Found by the suite's setup. */
    redisProgram: { program: string; libraries: string };
  }
}

const root = resolve(import.meta.dirname, "../../..");

/** As much of the Compose specification as the file uses; anything else in it fails. */
const serviceSchema = z.strictObject({
  image: z.string(),
  build: z.literal(".").optional(),
  init: z.boolean().optional(),
  restart: z.literal("unless-stopped").optional(),
  cap_drop: z.tuple([z.literal("ALL")]).optional(),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]).optional(),
  working_dir: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()),
  volumes: z.array(z.string()).optional(),
  ports: z.array(z.string()).optional(),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(["service_healthy", "service_completed_successfully"]) }))
    .optional(),
  healthcheck: z
    .strictObject({ test: z.array(z.string()), interval: z.string(), timeout: z.string(), retries: z.int() })
    .optional(),
});
const composeSchema = z.strictObject({
  name: z.literal("pilothouse"),
  "x-program": z.unknown(),
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.strictObject({})),
});
type ComposeService = z.infer<typeof serviceSchema>;

const variables: Record<string, string> = {
  PILOTHOUSE_URL: "http://localhost:3000",
  PILOTHOUSE_PROXIES: "0",
  PROVIDER_FOLDER: "",
  ...Object.fromEntries(
    ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "WEB_PASSWORD", "WORKER_PASSWORD", "SESSION_SECRET"].map((name) => [
      name,
      randomBytes(24).toString("hex"),
    ]),
  ),
};

let text: string;
let services: Record<string, ComposeService>;
let folder: string;
/** Where what the file names is found here. */
let places: [string, string][];
const running: ChildProcess[] = [];

/** Fills `${NAME}` and `${NAME:?why}` in, and turns `$$` into `$`, as Compose does. */
function fill(value: string): string {
  return value.replaceAll(/\$(?:\$|\{(\w+)(?::\?[^}]*)?\})/g, (whole, name: string | undefined) => {
    if (name === undefined) return "$";
    const found = variables[name];
    if (found === undefined) throw new Error(`${whole} is set by nobody`);
    return found;
  });
}

const findHere = (value: string): string =>
  places.reduce((at, [there, here]) => at.replaceAll(there, here), fill(value).replace(/^\/app(?=\/|$)/, root));

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port of the loopback was found");
  return address.port;
}

/** Starts a service with the command and the environment that the file gives it, in the folder that the image has them in. */
function start(
  name: string,
  more: Record<string, string> = {},
  command = services[name]?.command,
): ChildProcess & { said: () => string } {
  const service = services[name];
  if (service === undefined || command === undefined) throw new Error(`${name} has no command`);
  const [program = "", ...parameters] = command.map(findHere);
  const environment = Object.fromEntries(
    Object.entries(service.environment).map(([key, value]) => [key, findHere(value)]),
  );
  const child = spawn(program === "node" ? process.execPath : program, parameters, {
    cwd: findHere(service.working_dir ?? "/app"),
    env: { NODE_ENV: "production", PATH: process.env["PATH"], ...environment, ...more },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (piece: string) => (said += piece));
  running.push(child);
  return Object.assign(child, { said: () => said });
}

const isReady = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );

beforeAll(async () => {
  text = await readFile(join(root, "docker-compose.yml"), "utf8");
  ({ services } = composeSchema.parse(parse(text, { merge: true })));
  folder = await mkdtemp(join(tmpdir(), "pilothouse-compose-"));
  await chmod(folder, 0o711);
  const [postgres, redis, web, worker] = await Promise.all(Array.from({ length: 4 }, findFreePort));
  variables["PROVIDER_FOLDER"] = join(folder, "provider");
  places = [
    ["@postgres:5432/pilothouse", `@127.0.0.1:${postgres}/postgres`],
    ["@redis:6379", `@127.0.0.1:${redis}`],
    ["/etc/pilothouse", join(folder, "provider")],
    ["/var/lib/pilothouse/sealing-keys", join(folder, "sealing-keys")],
    ["3000", String(web)],
    ["9464", String(worker)],
  ];
  const build = spawn(process.execPath, [join(root, "scripts/build-web.ts")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended: unknown[] = await once(build, "close");
  if (ended[0] !== 0) throw new Error("the portal was not built");
}, 300_000);

afterAll(async () => {
  for (const child of running.toReversed()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGTERM");
    await once(child, "close");
  }
  await rm(folder, { recursive: true, force: true });
});

test("nothing has a default password, and what must be set is asked for where it is named first", () => {
  const named = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)].map(([, name = "", rest = ""]) => ({ name, rest }));
  expect(named.filter(({ rest }) => rest !== "" && !rest.startsWith(":?"))).toEqual([]);
  for (const name of new Set(named.map((one) => one.name)))
    expect([name, named.find((one) => one.name === name)?.rest.slice(0, 2)]).toEqual([name, ":?"]);
  const secrets = Object.values(services)
    .flatMap(({ environment }) => Object.entries(environment))
    .filter(([name]) => /(PASSWORD|SECRET|AUTH)$/.test(name));
  expect(secrets.length).toBeGreaterThan(2);
  expect(secrets.filter(([, value]) => !/^\$\{\w+(:\?[^}]*)?\}$/.test(value))).toEqual([]);
});

test("whatever a service waits for or keeps is there, and only the portal is to be reached, from this machine alone", () => {
  for (const { depends_on: needs = {}, volumes = [] } of Object.values(services)) {
    for (const need of Object.keys(needs)) expect(Object.keys(services)).toContain(need);
    for (const volume of volumes.map((one) => one.split(":")[0] ?? "").filter((name) => /^[a-z]/.test(name)))
      expect(["postgres", "sealing-keys"]).toContain(volume);
  }
  expect(Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]))).toEqual([
    ["web", "127.0.0.1:3000:3000"],
  ]);
});

test("the image holds what the commands name, and makes it by a command of this repository", async () => {
  const dockerfile = await readFile(join(root, "Dockerfile"), "utf8");
  expect(dockerfile).toContain("RUN node scripts/node.mjs scripts/build-web.ts");
  expect(dockerfile).toContain("USER node");
  const helm = /^ARG HELM_VERSION=v(.+)$/m.exec(dockerfile)?.[1];
  const parts = z
    .object({ parts: z.array(z.object({ name: z.string(), version: z.string() })) })
    .parse(parse(await readFile(join(root, "packages/fleet/parts.yaml"), "utf8"), { merge: true }));
  expect(parts.parts.find(({ name }) => name === "helm")?.version).toBe(helm);
  const flags = await readFile(join(root, "apps/worker/src/node-flags.ts"), "utf8");
  expect(flags).toContain(`["${services["worker"]?.command?.[1]}"]`);
});

test("the start commands work as they stand there: Redis, migration, worker, portal", async () => {
  // Postgres itself, in the place of its own image.
  const port = Number(new URL(findHere("postgres://x@postgres:5432/pilothouse")).port);
  const url = (user: string, name: string): string =>
    `postgres://${user}:${variables[name]}@127.0.0.1:${port}/postgres`;
  const urls = {
    migrator: url("postgres", "POSTGRES_PASSWORD"),
    web: url("pilothouse_web", "WEB_PASSWORD"),
    worker: url("pilothouse_worker", "WORKER_PASSWORD"),
  };
  await writeFile(join(folder, "database.json"), JSON.stringify(urls));
  const postgres = spawn(process.execPath, [join(root, "packages/core/src/cli.ts"), "serve"], {
    env: { ...process.env, PILOTHOUSE_HOME: folder },
    stdio: ["ignore", "pipe", "ignore"],
  });
  running.push(postgres);
  await new Promise<void>((settle) =>
    postgres.stdout.on("data", (piece: Buffer) => {
      if (piece.toString().includes("ready on")) settle();
    }),
  );

  // The image's redis-server listens on its own port; here it gets one that is free.
  const redis = inject("redisProgram");
  const programs = join(folder, "programs");
  await mkdir(programs);
  const redisPort = new URL(findHere("redis://x@redis:6379")).port;
  const script = `#!/bin/sh\nexport LD_LIBRARY_PATH=${redis.libraries}\nexec ${redis.program} "$@" --port ${redisPort} --bind 127.0.0.1\n`;
  await writeFile(join(programs, "redis-server"), script, { mode: 0o755 });
  const path = [programs, process.env["PATH"]].join(delimiter);
  const cache = start("redis", { PATH: path });
  await expect.poll(cache.said, { timeout: 10_000 }).toContain("Ready to accept connections");

  const migrate = start("migrate");
  const [code] = z
    .tuple([z.int().nullable()])
    .rest(z.unknown())
    .parse(await once(migrate, "close"));
  expect([code, migrate.said()]).toEqual([0, "nothing to migrate\n"]);

  const made = start("migrate", {}, ["node", "packages/core/src/cli.ts", "create-platform-key"]);
  await once(made, "close");
  expect([made.exitCode, made.said()]).toEqual([0, expect.stringMatching(/^\S{32,}\n$/)]);

  const provider = variables["PROVIDER_FOLDER"] ?? "";
  await mkdir(provider);
  const example = await readFile(join(root, "docs/deploy/provider.example.json"), "utf8");
  await writeFile(join(provider, "provider.json"), findHere(example));
  for (const file of ["dns-ca.crt", "dns-client.crt", "dns-client.key"]) await writeFile(join(provider, file), "");

  const ports = ["9464", "3000"].map((there) => Number(findHere(there)));
  const programsStarted = [start("worker"), start("web")];
  for (const [index, program] of programsStarted.entries()) {
    await expect
      .poll(async () => program.exitCode ?? ((await isReady(ports[index] ?? 0)) ? "ready" : program.said()), {
        timeout: 30_000,
      })
      .toBe("ready");
    expect(program.said()).not.toContain(variables["REDIS_PASSWORD"]);
  }
}, 120_000);
