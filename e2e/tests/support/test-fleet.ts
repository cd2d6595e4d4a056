import { join } from "node:path";
import { type Fleet, openFleet } from "../../src/fleet.ts";
import { type Ground, readGround } from "../../src/ground.ts";
import { openSimulation } from "../../src/simulation/open-simulation.ts";

/** Where the fleets of tests keep their data. */
export const fleetEnvironment = {
  ...process.env,
  PILOTHOUSE_HOME: process.env["PILOTHOUSE_HOME"] ?? join(import.meta.dirname, "../../../.pilothouse"),
};

/** A fleet of the tests, with the topology it has when it is not the default one. */
export interface TestFleet extends Fleet {
  topology: string | undefined;
}

const openTestFleet = (name: string, topology?: string): TestFleet => ({
  ...openFleet(name, fleetEnvironment),
  topology: topology === undefined ? undefined : join(import.meta.dirname, `${topology}-topology.yaml`),
});

/** Fleets that tests bring up under these names; `up.test.ts` has one beside them, under the name that people's have. */
export const testFleets = {
  /** The one that the files of the suite `system` share. */
  test: openTestFleet("test"),
  /** The one that the files of the suite `small` share. */
  small: openTestFleet("small", "portal"),
  /** Two of `fleet-lifecycle.test.ts`. */
  first: openTestFleet("first", "tiny"),
  second: openTestFleet("second", "small"),
} as const;

const { PILOTHOUSE_TEST_FLEET: borrowed, PILOTHOUSE_TEST_TOPOLOGY: size } = process.env;

/** Whether somebody named a fleet by PILOTHOUSE_TEST_FLEET: that stays up, so that tests can be run again and again while they are written. */
export const isBorrowed = borrowed !== undefined;

/** The fleet that all files of a suite share; `fleet-setup.ts` brings it up before the first and takes it down after the last. */
export const testFleet =
  borrowed === undefined ? (size === "small" ? testFleets.small : testFleets.test) : openTestFleet(borrowed);

/** Where the simulated clusters have their files; `simulation-setup.ts` starts them. */
export const simulationFolder = join(fleetEnvironment.PILOTHOUSE_HOME, "simulations", "test");

/** The suite `simulated` sets this: the same tests then run on simulated clusters instead of a fleet. */
const source = process.env["PILOTHOUSE_TEST_GROUND"] === "simulated" ? openSimulation(simulationFolder) : testFleet;

let groundOnce: Promise<Ground> | undefined;

/** The shared fleet in the terms of the provisioner, read once in each test file. */
export const readTestGround = (): Promise<Ground> => (groundOnce ??= readGround(source));

/** Both version lines, the older first. */
export const lines = ["1.22", "1.32"] as const;
