import { restoreRootCgroups } from "./machine/cgroups.ts";
import { removeHostLink } from "./machine/network.ts";
import { killEverything } from "./machine/processes.ts";
import { type FleetState, readPlan, wipeState, withFleetLock } from "./state.ts";

/**
 * Ends every process of the fleet, known or not; the kernel then takes its namespaces away, and with them all links, routes,
 * rules and mounts. What was turned on at the root of the cgroups is turned off, unless another fleet is there. Clusters' data is kept for the next `up`, unless `wipe` is asked for.
 */
export async function takeDown(state: FleetState, options: { wipe: boolean }): Promise<void> {
  await withFleetLock(state, 30_000, async () => {
    await killEverything(state.processes);
    const saved = await readPlan(state);
    if (saved !== undefined) await removeHostLink(state.processes, saved.plan);
    await restoreRootCgroups();
    if (options.wipe) await wipeState(state);
  });
}
