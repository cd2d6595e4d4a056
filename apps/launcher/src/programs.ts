import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { logFile, type Program } from "./keep-running.ts";
import { type Places, readJson, root } from "./places.ts";
import { markVariable } from "./process-identity.ts";

/** What runs beside the fleet. */
export const programNames = ["database", "web", "worker"] as const;
export type ProgramName = (typeof programNames)[number];

export const databaseCli = join(root, "packages/core/src/cli.ts");
const next = join(root, "node_modules/next/dist/bin/next");

/** Said by the worker's package, whose own name for it would load the whole worker. */
const workerNodeFlags = ["--max-semi-space-size=32"];

const urlsSchema = z.object({ migrator: z.string(), web: z.string(), worker: z.string() });
const portalSchema = z.object({ port: z.int(), sessionSecret: z.string() });

/** What the portal is started with, kept from one start to the next. */
export type PortalSettings = z.infer<typeof portalSchema>;

export const readPortal = (places: Places): Promise<PortalSettings | undefined> =>
  readJson(places.portal, portalSchema);

/** Where browsers of this machine find the portal. */
export const portalUrl = (port: number): string => `http://127.0.0.1:${port}`;

/** Environment of everything that is started: this process's own, with the installation's mark and folder. */
export const buildEnvironment = (places: Places, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...environment,
  [markVariable]: places.mark,
  PILOTHOUSE_HOME: places.home,
  NEXT_TELEMETRY_DISABLED: "1",
});

async function readUrls(places: Places): Promise<z.infer<typeof urlsSchema>> {
  const urls = await readJson(places.database, urlsSchema);
  if (urls === undefined)
    throw new Error(
      `${places.database} is missing: the database has not been started. See its log: ${logFile(places, "database")}`,
    );
  return urls;
}

/** A port of the loopback that is free now. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("No port of the loopback is free.");
  return address.port;
}

/** Whether a server could listen on a port of the loopback. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return true;
  } catch {
    return false;
  }
}

/** How each program is started. */
export interface ProgramContext {
  places: Places;
  environment: NodeJS.ProcessEnv;
  /** The provider's settings that the web reads its domain from, and the worker everything. */
  providers: { web: string; worker: string };
  /** Is told where the worker says how it is. */
  onWorkerUrl: (url: string) => void;
}

/** Prepares a start of a program. */
export async function prepareProgram(name: ProgramName, context: ProgramContext): Promise<Program> {
  const { places, providers } = context;
  const environment = buildEnvironment(places, { ...context.environment, NODE_ENV: "production" });
  const node = process.execPath;
  if (name === "database") return { name, command: [node, databaseCli, "serve"], environment, cwd: root };
  const urls = await readUrls(places);
  if (name === "worker") {
    const port = String(await findFreePort());
    context.onWorkerUrl(`http://127.0.0.1:${port}`);
    return {
      name,
      command: [node, ...workerNodeFlags, join(root, "apps/worker/src/main.ts")],
      environment: {
        ...environment,
        DATABASE_URL: urls.worker,
        PILOTHOUSE_PROVIDER: providers.worker,
        PILOTHOUSE_SEALING_KEYS: places.sealingKeys,
        PORT: port,
      },
      cwd: root,
    };
  }
  const portal = await readPortal(places);
  if (portal === undefined) throw new Error(`${places.portal} is missing. Start anew: npm run up`);
  const { port, sessionSecret } = portal;
  return {
    name,
    command: [node, next, "start", "--port", String(port), "--hostname", "127.0.0.1"],
    environment: {
      ...environment,
      DATABASE_URL: urls.web,
      PILOTHOUSE_PROVIDER: providers.web,
      PILOTHOUSE_SETUP: places.setup,
      PILOTHOUSE_URL: portalUrl(port),
      PILOTHOUSE_SESSION_SECRET: sessionSecret,
    },
    cwd: join(root, "apps/web"),
  };
}

/** The last lines of a program's log. */
export async function readLogEnd(places: Places, name: string, lines = 12): Promise<string> {
  const text = await readFile(logFile(places, name), "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
