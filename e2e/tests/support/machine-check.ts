/**
 * `node machine-check.ts take|compare FILE`: what fleets leave on the machine is seen only when none is up any more, so `npm test` looks
 * before the first suite that takes one and after the last. Ends with 1 when the machine is not as it was.
 */
import { readFile, writeFile } from "node:fs/promises";
import { compareDistantSnapshots, type MachineSnapshot, takeSnapshot, waitForSameMachine } from "./machine-snapshot.ts";
import { openFleet } from "../../src/fleet.ts";
import { fleetEnvironment, suiteFleets } from "./test-fleet.ts";

/** Those of suites, and those of `fleet-lifecycle.test.ts`. */
const fleets = [...Object.values(suiteFleets), ...["first", "second"].map((name) => openFleet(name, fleetEnvironment))];
const view = { home: fleetEnvironment.PILOTHOUSE_HOME };

async function take(file: string): Promise<void> {
  // A run that was killed may have left anything behind.
  for (const fleet of fleets) await fleet.run(["down", "--wipe"], { quiet: true });
  // The look needs some of them; here their progress is seen.
  await suiteFleets.system.run(["parts"]);
  await writeFile(file, JSON.stringify(await takeSnapshot(view)));
}

async function compare(file: string): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `take` wrote the file
  const before = JSON.parse(await readFile(file, "utf8")) as MachineSnapshot;
  const differences = await waitForSameMachine(before, compareDistantSnapshots, view);
  if (Object.keys(differences).length === 0) return;
  console.error(
    `The machine is not as it was before the first fleet. What this run did not do shows here too, such as another fleet that came or went meanwhile:\n${JSON.stringify(differences, undefined, 2)}`,
  );
  process.exitCode = 1;
}

const [verb, file = ""] = process.argv.slice(2);
await (verb === "take" ? take : compare)(file);
