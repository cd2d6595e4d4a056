import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Setup, setupSchema } from "@pilothouse/contract";
import { checkMachine } from "./check-machine.ts";
import { type Credentials, readCredentials } from "./credentials.ts";
import { createSetupTeller } from "./follow-setup.ts";
import { holdAlone } from "./hold-alone.ts";
import { logFile, openLog, recordFile } from "./keep-running.ts";
import { type Places, readJson, root } from "./places.ts";
import { endProcesses, findRecorded, type ProcessRecord, recordProcess } from "./process-identity.ts";
import { isPortFree, readLogEnd, readPortal } from "./programs.ts";
import type { UpOptions } from "./set-up.ts";
import { readSourceVersion } from "./source-version.ts";
import { endService, takeDown } from "./take-down.ts";

/** What a person asked for at the terminal. */
export interface UpRequest {
  detach: boolean;
  port: number | undefined;
  fleet: UpOptions["fleet"];
  provider: string | undefined;
}

const firstPort = 3_000;
const portsTried = 50;
const keeperStartMs = 30_000;
const pollMs = 200;

/** The port of the portal: the one asked for, or that of the last time, or a free one. Its own server has been ended, where it ran. */
async function choosePort(places: Places, asked: number | undefined): Promise<number> {
  const known = asked ?? (await readPortal(places))?.port;
  if (known !== undefined) {
    if (await isPortFree(known)) return known;
    throw new Error(
      `Port ${known} is taken by another program, which \`ss -ltnp 'sport = :${known}'\` names. End that, or choose another port: npm run up -- --port ${known + 1}`,
    );
  }
  for (let port = firstPort; port < firstPort + portsTried; port += 1) if (await isPortFree(port)) return port;
  throw new Error(`No port from ${firstPort} on is free. Choose one: npm run up -- --port NUMBER`);
}

async function startKeeper(places: Places, options: UpOptions, version: string): Promise<void> {
  const log = openLog(logFile(places, "keeper"));
  const start = JSON.stringify({ home: places.home, version, options });
  const child = spawn(process.execPath, [join(root, "apps/launcher/src/keeper.ts"), start], {
    cwd: root,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.unref();
  const deadlineMs = performance.now() + keeperStartMs;
  while ((await findRecorded(recordFile(places, "keeper"))) === undefined) {
    if (child.exitCode !== null || performance.now() > deadlineMs)
      throw new Error(`The process in the background did not start. It said:\n${await readLogEnd(places, "keeper")}`);
    await sleep(50);
  }
}

/** Has a keeper bring everything up: the one that runs, or a new one where none runs or it was started from other sources or options. */
async function ensureKeeper(
  places: Places,
  { port, fleet, provider }: UpRequest,
  print: (line: string) => void,
): Promise<Date> {
  const version = await readSourceVersion({ fleet, provider });
  const running = await findRecorded(recordFile(places, "keeper"));
  const known = await readPortal(places);
  const begun = new Date();
  if (running?.version === version && (port === undefined || port === known?.port)) {
    const setup = await readSetup(places);
    if (setup?.state === "running") return new Date(0);
    process.kill(running.pid, "SIGHUP");
    return begun;
  }
  if (running !== undefined) print("Sources or options have changed since: the service is started again.");
  await endService(places);
  const chosen = await choosePort(places, port);
  await startKeeper(places, { port: chosen, fleet, ...(provider === undefined ? {} : { provider }) }, version);
  return begun;
}

const readSetup = (places: Places): Promise<Setup | undefined> => readJson(places.setup, setupSchema);

/** Says where to look, as soon as there is something to be seen. */
function printPlaces(
  places: Places,
  { url, email, tenant, controlPlane }: Credentials,
  print: (line: string) => void,
): void {
  print("");
  print(`  Portal      ${url}   sign in as ${email}, with the password in ${places.credentials}`);
  print(`  REST        ${url}/api/v1   with a key from the same file`);
  if (controlPlane !== null) print(`  The demo    ${url}/tenants/${tenant}/control-planes/${controlPlane}`);
  print(`  Logs        ${places.logs}`);
  print("");
}

/** Follows until everything is up, or something failed. @returns the reason of a failure */
async function follow(
  places: Places,
  { since, signal, print }: { since: Date; signal: AbortSignal; print: (line: string) => void },
): Promise<string | undefined> {
  const tell = createSetupTeller(print);
  let isShown = false;
  for (;;) {
    signal.throwIfAborted();
    const setup = await readSetup(places);
    if (typeof setup?.startedAt === "string" && Date.parse(setup.startedAt) >= since.getTime()) {
      tell(setup);
      const isOpen = setup.steps.some(({ name, state }) => name === "credentials" && state === "done");
      const credentials = isOpen && !isShown ? await readCredentials(places) : undefined;
      if (credentials !== undefined) {
        isShown = true;
        printPlaces(places, credentials, print);
      }
      if (setup.state === "ready") return undefined;
      if (setup.state === "failed") return setup.message ?? "It failed.";
    }
    if ((await findRecorded(recordFile(places, "keeper"))) === undefined)
      return `The process in the background has ended. It said:\n${await readLogEnd(places, "keeper")}`;
    await sleep(pollMs, undefined, { signal });
  }
}

/** Stays as long as the keeper runs. */
async function stay(places: Places, signal: AbortSignal): Promise<void> {
  while ((await findRecorded(recordFile(places, "keeper"))) !== undefined) await sleep(1_000, undefined, { signal });
}

/** Takes the one place from which an installation is changed. @throws Error when another process has it */
export async function takeTurn(places: Places, patienceMs = 0): Promise<void> {
  const record = recordFile(places, "up");
  if (await holdAlone("change", places.mark, patienceMs)) return recordProcess(record, process.pid);
  const other = await findRecorded(record);
  throw new Error(
    `${other === undefined ? "Another process" : `Process ${other.pid}`} brings this installation up or down, or stays with it. See how far it is: npm run status. End everything: npm run down`,
  );
}

/** Ends another `up` that is still there, as it would be in the way. */
export async function endOtherUp(places: Places): Promise<void> {
  const other: ProcessRecord | undefined = await findRecorded(recordFile(places, "up"));
  if (other !== undefined && other.pid !== process.pid) await endProcesses([other], 120_000);
}

/**
 * `npm run up`: says what the machine lacks, has everything brought up in the background, and tells how far it is. Detached it ends with the
 * last step; else it stays, and ends everything when it is told to end.
 * @returns the exit code
 */
export async function runUp(
  places: Places,
  request: UpRequest,
  { environment, print }: { environment: NodeJS.ProcessEnv; print: (line: string) => void },
): Promise<number> {
  await takeTurn(places);
  const problems = await checkMachine(
    places.home,
    { fleet: request.fleet, ...(request.provider === undefined ? {} : { provider: request.provider }) },
    environment,
  );
  if (problems.length > 0)
    throw new Error(`This machine lacks what is needed:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  const calledOff = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => calledOff.abort(new Error("Called off.")));
  try {
    const since = await ensureKeeper(places, request, print);
    const failure = await follow(places, { since, signal: calledOff.signal, print });
    if (failure === undefined) print("Everything is up.");
    else print(`\nIt failed: ${failure}\n\nWhat runs goes on. Try again: npm run up. End everything: npm run down`);
    if (request.detach) return failure === undefined ? 0 : 1;
    print("Ctrl-C ends everything; data stays.");
    await stay(places, calledOff.signal);
    print("The process in the background has ended.");
    return 1;
  } catch (error) {
    if (!calledOff.signal.aborted) throw error;
    if (request.detach) {
      print("\nCalled off; it goes on in the background. See how far it is: npm run status. End it: npm run down");
      return 130;
    }
    print("\nEnding everything.");
    await takeDown(places, { erase: false, environment, report: print });
    return 0;
  }
}
