import { restoreRootCgroups } from "./machine/cgroups.ts";
import { removeHostLink } from "./machine/network.ts";
import { killEverything } from "./machine/processes.ts";
import { type FleetState, readPlan, wipeState, withFleetLock } from "./state.ts";

const longStepMs = 2_000;

/**
 * Ends every process of the fleet, known or not; the kernel then takes its namespaces away, and with them all links, routes,
 * rules and mounts. What was turned on at the root of the cgroups is turned off, unless another fleet is there. Clusters' data is kept for the next `up`, unless `wipe` is asked for.
 * @param options.report is told what takes long: what is waited for, and steps of more than two seconds
 */
export async function takeDown(
  state: FleetState,
  options: { wipe: boolean; report: (line: string) => void },
): Promise<void> {
  const step = async (what: string, work: () => Promise<void>): Promise<void> => {
    const startedMs = performance.now();
    await work();
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs > longStepMs) options.report(`${what} (${(elapsedMs / 1000).toFixed(1)} s)`);
  };
  const change = async (): Promise<void> => {
    await step("processes and their cgroups are gone", () => killEverything(state.processes));
    const saved = await readPlan(state);
    if (saved !== undefined)
      await step("the link into the network is gone", () => removeHostLink(state.processes, saved.plan));
    await step("the root of the cgroups is as it was", restoreRootCgroups);
    if (options.wipe) await step("data removed", () => wipeState(state));
  };
  await withFleetLock(state, 30_000, change, (owner) =>
    options.report(`waiting at most 30 s for process ${owner}, which is changing the fleet ${state.name}`),
  );
}
