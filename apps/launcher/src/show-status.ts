import { setupSchema } from "@pilothouse/contract";
import { readCredentials } from "./credentials.ts";
import { fleetName, runFleet } from "./fleet.ts";
import { logFile, recordFile } from "./keep-running.ts";
import { type Places, readJson } from "./places.ts";
import { findRecorded } from "./process-identity.ts";
import { programNames } from "./programs.ts";

/**
 * `npm run status`: what runs, how far it is, and where to look.
 * @returns 0 when everything is up, else 3
 */
export async function showStatus(
  places: Places,
  { environment, print }: { environment: NodeJS.ProcessEnv; print: (line: string) => void },
): Promise<number> {
  for (const name of ["keeper", ...programNames]) {
    const found = await findRecorded(recordFile(places, name));
    print(
      found === undefined
        ? `does not run  ${name}`
        : `runs          ${name.padEnd(9)} process ${String(found.pid).padEnd(8)} since ${found.startedAt}   log: ${logFile(places, name)}`,
    );
  }
  const setup = await readJson(places.setup, setupSchema);
  for (const { label, state, message } of setup?.steps ?? [])
    print(`${state.padEnd(13)} ${label}${message === null ? "" : `: ${message}`}`);
  if (setup?.steps.some(({ name }) => name === "fleet") === true) {
    const command = ["status", "--name", fleetName];
    const options = { environment: { ...environment, PILOTHOUSE_HOME: places.home }, allowCodes: [1, 3] };
    const { output } = await runFleet(command, options);
    print(`\n${output.trimEnd()}`);
  }
  const credentials = await readCredentials(places);
  if (credentials !== undefined) print(`\nPortal: ${credentials.url}   credentials: ${places.credentials}`);
  const isKept = (await findRecorded(recordFile(places, "keeper"))) !== undefined;
  if (!isKept) print("\nNothing is up. Bring it up: npm run up");
  return isKept && setup?.state === "ready" ? 0 : 3;
}
