import type { Fleet } from "../../src/fleet.ts";
import { isBorrowed, testFleet } from "./test-fleet.ts";

/**
 * Runs once around a whole suite: vitest calls it before the first file, and what it returns after the last. An error of either fails the run.
 * A fleet that somebody named takes the place of `fleet` and stays up.
 */
export async function setUpFleet(fleet: Fleet): Promise<() => Promise<void>> {
  if (isBorrowed) {
    await testFleet.run(["up"]);
    return () => Promise.resolve();
  }
  const down = async (): Promise<void> => void (await fleet.run(["down", "--wipe"]));
  // A run that was killed may have left anything behind.
  await down();
  await fleet.run(["up"]);
  return down;
}
