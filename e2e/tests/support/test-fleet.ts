import { join } from "node:path";
import { openFleet } from "../../src/fleet.ts";
import { type Ground, readGround } from "../../src/ground.ts";
import { openSimulation } from "../../src/simulation/open-simulation.ts";

/** Where the fleets of tests keep their data. */
export const fleetEnvironment = {
  ...process.env,
  PILOTHOUSE_HOME: process.env["PILOTHOUSE_HOME"] ?? join(import.meta.dirname, "../../../.pilothouse"),
};

/**
 * The fleet that all whole-system tests share; `fleet-setup.ts` brings it up before the first and takes it down after the last.
 * PILOTHOUSE_TEST_FLEET names another one.
 */
export const testFleet = openFleet(process.env["PILOTHOUSE_TEST_FLEET"] ?? "test", fleetEnvironment);

/** Where the simulated clusters have their files; `simulation-setup.ts` starts them. */
export const simulationFolder = join(fleetEnvironment.PILOTHOUSE_HOME, "simulations", "test");

/** The suite `simulated` sets this: the same tests then run on simulated clusters instead of a fleet. */
const source = process.env["PILOTHOUSE_TEST_GROUND"] === "simulated" ? openSimulation(simulationFolder) : testFleet;

let groundOnce: Promise<Ground> | undefined;

/** The shared fleet in the terms of the provisioner, read once in each test file. */
export const readTestGround = (): Promise<Ground> => (groundOnce ??= readGround(source));

/** Both version lines, the older first. */
export const lines = ["1.22", "1.32"] as const;
