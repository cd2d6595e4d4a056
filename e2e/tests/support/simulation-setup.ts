import { spawnSimulation } from "../../src/simulation/open-simulation.ts";
import { simulationFolder, testFleet } from "./test-fleet.ts";

/** Second number of the addresses of these tests' clusters. */
const block = 77;

/** Simulates the clusters of the default fleet around the whole suite, under the same names. */
export async function setup(): Promise<() => Promise<void>> {
  const simulation = await spawnSimulation({
    folder: simulationFolder,
    block,
    parts: await testFleet.readParts(),
    plan: {
      meshClusters: ["shop", "pay"].map((name) => ({ name, region: "eu-1" })),
      istiodClusters: [
        { name: "istiod-eu-1-a", region: "eu-1", line: "1.22" },
        { name: "istiod-eu-1-b", region: "eu-1", line: "1.32" },
        { name: "istiod-us-1-a", region: "us-1", line: "1.32" },
      ],
    },
  });
  return () => simulation.stop();
}
