import { testFleet } from "./test-fleet.ts";

/** A fleet that somebody named by PILOTHOUSE_TEST_FLEET stays up, so that tests can be run again and again while they are written. */
const isBorrowed = process.env["PILOTHOUSE_TEST_FLEET"] !== undefined;

/** Runs once around the whole suite: vitest calls it before the first file, and what it returns after the last. */
export async function setup(): Promise<() => Promise<void>> {
  // A run that was killed may have left anything behind.
  if (!isBorrowed) await testFleet.run(["down", "--wipe"]);
  await testFleet.run(["up"]);
  return async () => {
    if (!isBorrowed) await testFleet.run(["down", "--wipe"]);
  };
}
