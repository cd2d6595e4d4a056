import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openFleet } from "../fleet.ts";
import { type Ground, readGround } from "../ground.ts";
import { buildWeb, type Service, startService } from "../service.ts";
import { openSimulation, type SimulationProcess, spawnSimulation } from "../simulation/open-simulation.ts";
import type { SimulationPlan } from "../simulation/simulation.ts";

/** The whole service on clusters that are simulated. */
export interface SimulatedService {
  service: Service;
  ground: Ground;
  simulation: SimulationProcess;
  stop: () => Promise<void>;
}

export interface SimulatedServiceOptions {
  /** An empty folder for database, keys, logs and kubeconfigs. */
  home: string;
  /** Of all programs. */
  environment: NodeJS.ProcessEnv;
  /** Second number of the addresses of the simulated clusters. */
  block: number;
  plan: SimulationPlan;
}

/** Starts simulated clusters, database, worker and web server. The web application is built first where it is not. */
export async function startSimulatedService(options: SimulatedServiceOptions): Promise<SimulatedService> {
  const { home, environment, block, plan } = options;
  await buildWeb(environment);
  await mkdir(home, { recursive: true });
  // Postgres runs as a user of its own, who has to come to its folder in here.
  await chmod(home, 0o711);
  const folder = join(home, "simulation");
  const parts = await openFleet("stage", environment).readParts();
  const simulation = await spawnSimulation({ folder, block, parts, plan });
  try {
    const ground = await readGround(openSimulation(folder));
    const service = await startService({ ground, home, environment });
    return {
      service,
      ground,
      simulation,
      async stop() {
        await service.stop();
        await simulation.stop();
      },
    };
  } catch (error) {
    await simulation.stop();
    throw error;
  }
}
