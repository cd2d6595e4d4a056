import { randomBytes } from "node:crypto";
import { createClient } from "@pilothouse/contract";
import { controlPlaneDomain } from "@pilothouse/fleet";
import { join } from "node:path";
import { type Credentials, ensureCredentials } from "./credentials.ts";
import { fleetName, readGround, runFleet } from "./fleet.ts";
import { awaitDemoControlPlane, connectDemoCluster } from "./order-control-plane.ts";
import { type Places, root, writeJson } from "./places.ts";
import type { ProgramKeeper } from "./program-keeper.ts";
import { buildEnvironment, databaseCli, portalUrl, readPortal } from "./programs.ts";
import { registerFleet } from "./register-fleet.ts";
import { runCommand } from "./run-command.ts";
import { allSteps, recordSetup, type SetupRecorder, stepsWithoutFleet } from "./setup-recorder.ts";
import { writeProvider } from "./write-provider.ts";

/** What a person asked for. */
export interface UpOptions {
  port: number;
  /** Undefined where people bring their own clusters. */
  fleet: { topology?: string } | undefined;
  /** The provider's settings of those people. */
  provider?: string;
}

interface SetUp {
  places: Places;
  options: UpOptions;
  environment: NodeJS.ProcessEnv;
  keeper: ProgramKeeper;
  signal: AbortSignal;
}

/** Where the portal's provider settings are as long as there is no fleet: it needs nothing but the domain. */
export const domainFile = (places: Places): string => join(places.home, "domain.json");

/** The provider's settings for the web and for the worker. */
export const findProviders = (places: Places, options: UpOptions): { web: string; worker: string } => ({
  web: options.provider ?? domainFile(places),
  worker: options.provider ?? places.provider,
});

/**
 * Brings everything up that is not up, step by step, and writes down how far it is. Each step looks first whether it is done, so that it can be
 * killed anywhere and run again.
 * @returns the reason why it failed; undefined when everything is up
 */
export async function setUp(context: SetUp): Promise<string | undefined> {
  const { places, options } = context;
  const recorder = recordSetup(options.fleet === undefined ? stepsWithoutFleet : allSteps, (setup) =>
    writeJson(places.setup, setup),
  );
  try {
    const credentials = await startService(context, recorder);
    await (options.fleet === undefined
      ? recorder.run("worker", () => context.keeper.start("worker"))
      : startFleet(context, recorder, credentials));
    await recorder.end();
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await recorder.end(reason);
    return reason;
  }
}

/** Database, portal and credentials. */
async function startService(context: SetUp, recorder: SetupRecorder): Promise<Credentials> {
  const { places, options, keeper, signal } = context;
  const environment = buildEnvironment(places, context.environment);
  await writeJson(domainFile(places), { domain: controlPlaneDomain });
  const portal = await readPortal(places);
  const sessionSecret = portal?.sessionSecret ?? randomBytes(32).toString("hex");
  await writeJson(places.portal, { port: options.port, sessionSecret });
  const build = async (report: (message: string) => void): Promise<void> => {
    const command = [process.execPath, join(root, "scripts/build-web.ts")];
    await runCommand(command, { environment, signal, onLine: report });
  };
  const done = await Promise.allSettled([
    recorder.run("database", () => keeper.start("database")),
    recorder.run("build", build),
  ]);
  for (const result of done) if (result.status === "rejected") throw result.reason;
  await recorder.run("portal", () => keeper.start("web"));
  return recorder.run("credentials", () =>
    ensureCredentials(places, {
      url: portalUrl(options.port),
      hasFleet: options.fleet !== undefined,
      async makePlatformKey() {
        const command = [process.execPath, databaseCli, "create-platform-key"];
        return (await runCommand(command, { environment, signal })).output.trim();
      },
      signal,
    }),
  );
}

/** The fleet, the worker that needs its addresses, and the demo's control plane. */
async function startFleet(context: SetUp, recorder: SetupRecorder, credentials: Credentials): Promise<void> {
  const { places, options, keeper, signal } = context;
  const environment = buildEnvironment(places, context.environment);
  const name = ["--name", fleetName];
  const topology = options.fleet?.topology === undefined ? [] : ["--topology", options.fleet.topology];
  await recorder.run("parts", (onLine) => runFleet(["parts", ...name], { environment, signal, onLine }));
  const ground = await recorder.run("fleet", async (onLine) => {
    await runFleet(["up", ...name, ...topology], { environment, signal, onLine });
    return readGround({ environment, signal });
  });
  await recorder.run("worker", async () => {
    if (await writeProvider(places.provider, ground)) await keeper.stop("worker");
    await keeper.start("worker");
  });
  const connect = (apiKey: string): ReturnType<typeof createClient> =>
    createClient({ baseUrl: credentials.url, apiKey });
  await recorder.run("registered", () => registerFleet(connect(credentials.adminApiKey), ground, places.registered));
  const order = { client: connect(credentials.tenantApiKey), ground, signal };
  await recorder.run("connected", (report) => connectDemoCluster({ ...order, report }));
  await recorder.run("ready", async (report) => {
    const since = new Date();
    await runCommand([process.execPath, databaseCli, "reconcile-all"], { environment, signal });
    await awaitDemoControlPlane({ ...order, report }, since);
  });
}
