import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fleetName, runFleet } from "./fleet.ts";
import { recordFile } from "./keep-running.ts";
import type { Places } from "./places.ts";
import { endMarked, endProcesses, findRecorded, forgetProcess } from "./process-identity.ts";
import { programNames } from "./programs.ts";
import { domainFile } from "./set-up.ts";

/** The keeper ends the fleet's builds and three programs, each of which may need some seconds, in milliseconds. */
const keeperGraceMs = 60_000;
const strayGraceMs = 10_000;

/** Ends the keeper and everything that it has started, the fleet aside. Data stays. */
export async function endService(places: Places): Promise<void> {
  const keeper = await findRecorded(recordFile(places, "keeper"));
  if (keeper !== undefined) await endProcesses([keeper], keeperGraceMs);
  await endMarked(places.mark, strayGraceMs);
  for (const name of ["keeper", ...programNames]) await forgetProcess(recordFile(places, name));
}

/**
 * Ends everything of an installation, whoever started it, in whatever state it is: service, builds, and the fleet with its networks and mounts.
 * @param options.erase also removes what was made: clusters, database, keys, credentials
 */
export async function takeDown(
  places: Places,
  { erase, environment, report }: { erase: boolean; environment: NodeJS.ProcessEnv; report: (line: string) => void },
): Promise<void> {
  await endService(places);
  report("database, portal and worker have ended");
  if (existsSync(join(places.home, "fleets", fleetName))) {
    await runFleet(["down", "--name", fleetName, ...(erase ? ["--wipe"] : [])], {
      environment: { ...environment, PILOTHOUSE_HOME: places.home },
      onLine: report,
    });
    report("the fleet has ended, with its networks and mounts");
  }
  // How far an `up` was that is over now says nothing any more.
  await rm(places.setup, { force: true });
  if (!erase) return;
  const { credentials, portal, database, provider, registered, sealingKeys, logs, run } = places;
  const made = [credentials, portal, database, provider, registered, sealingKeys, logs, run, domainFile(places)];
  for (const path of [...made, join(places.home, "postgres")]) await rm(path, { recursive: true, force: true });
  report(`what was made in ${places.home} is removed`);
}
