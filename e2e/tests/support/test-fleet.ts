import { join } from "node:path";
import { type Fleet, openFleet } from "../../src/fleet.ts";
import { type Ground, readGround } from "../../src/ground.ts";
import { openSimulation } from "../../src/simulation/open-simulation.ts";

/** Where the fleets of tests keep their data. */
export const fleetEnvironment = {
  ...process.env,
  PILOTHOUSE_HOME: process.env["PILOTHOUSE_HOME"] ?? join(import.meta.dirname, "../../../.pilothouse"),
};

/** Opens a fleet that is always brought up with one topology, when it is not the default one. */
function openTestFleet(name: string, topologyFile?: string): Fleet {
  const fleet = openFleet(name, fleetEnvironment);
  if (topologyFile === undefined) return fleet;
  const topology = ["--topology", join(import.meta.dirname, topologyFile)];
  return {
    ...fleet,
    run: (parameters, options) =>
      fleet.run(parameters[0] === "up" ? [...parameters, ...topology] : parameters, options),
  };
}

/** Fleets that all files of a suite share, by the suite. */
export const suiteFleets = {
  system: openTestFleet("test"),
  small: openTestFleet("small", "small-topology.yaml"),
} as const;

const { PILOTHOUSE_TEST_FLEET: borrowed, PILOTHOUSE_TEST_TOPOLOGY: size } = process.env;

/** Whether somebody named a fleet by PILOTHOUSE_TEST_FLEET: that stays up, so that tests can be run again and again while they are written. */
export const isBorrowed = borrowed !== undefined;

/** The fleet that all files of a suite share; `fleet-setup.ts` brings it up before the first and takes it down after the last. */
export const testFleet =
  borrowed === undefined ? suiteFleets[size === "small" ? "small" : "system"] : openTestFleet(borrowed);

/** Where the simulated clusters have their files; `simulation-setup.ts` starts them. */
export const simulationFolder = join(fleetEnvironment.PILOTHOUSE_HOME, "simulations", "test");

/** The suite `simulated` sets this: the same tests then run on simulated clusters instead of a fleet. */
const source = process.env["PILOTHOUSE_TEST_GROUND"] === "simulated" ? openSimulation(simulationFolder) : testFleet;

let groundOnce: Promise<Ground> | undefined;

/** The shared fleet in the terms of the provisioner, read once in each test file. */
export const readTestGround = (): Promise<Ground> => (groundOnce ??= readGround(source));

/** Both version lines, the older first. */
export const lines = ["1.22", "1.32"] as const;
