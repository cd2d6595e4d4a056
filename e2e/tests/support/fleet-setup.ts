import { compareDistantSnapshots, takeSnapshot, waitForSameMachine } from "./machine-snapshot.ts";
import { testFleet } from "./test-fleet.ts";

/** A fleet that somebody named by PILOTHOUSE_TEST_FLEET stays up, so that tests can be run again and again while they are written. */
const isBorrowed = process.env["PILOTHOUSE_TEST_FLEET"] !== undefined;

/**
 * Runs once around the whole suite: vitest calls it before the first file, and what it returns after the last. What any fleet
 * leaves on the machine is seen here only, because every test runs beside one that is up. An error of either fails the run.
 */
export async function setup(): Promise<() => Promise<void>> {
  if (isBorrowed) {
    await testFleet.run(["up"]);
    return () => Promise.resolve();
  }
  // A run that was killed may have left anything behind.
  await testFleet.run(["down", "--wipe"]);
  // The snapshot needs some of them; here their progress is seen.
  await testFleet.run(["parts"]);
  const before = await takeSnapshot();
  await testFleet.run(["up"]);
  return async () => {
    await testFleet.run(["down", "--wipe"]);
    const differences = await waitForSameMachine(before, compareDistantSnapshots);
    if (Object.keys(differences).length > 0) {
      throw new Error(
        `The machine is not as it was before the first fleet. What this run did not do shows here too, such as another fleet that came or went meanwhile:\n${JSON.stringify(differences, undefined, 2)}`,
      );
    }
  };
}
