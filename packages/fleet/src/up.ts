import { applyClusterDns, waitForClusterDns } from "./cluster/addons.ts";
import { ensureClusterFiles, ensureControlPlane } from "./cluster/control-plane.ts";
import { ensureNode, nodeFolder } from "./cluster/node.ts";
import type { FleetContext } from "./context.ts";
import { ensureDns } from "./dns.ts";
import { ensureEdge } from "./edge.ts";
import { ensureEtcd, ensureEtcdFiles } from "./etcd.ts";
import { ensureBackbone, ensureNodePlace } from "./machine/network.ts";
import type { FleetPlan, PlannedCluster, PlannedIstiodCluster } from "./plan.ts";
import { ensurePlan, type FleetState, withFleetLock } from "./state.ts";
import type { Topology } from "./topology.ts";

/** What `bringUp` needs beside the fleet itself: the parts, and somebody who reads along. */
export type FleetSupplies = Pick<FleetContext, "paths" | "environment" | "images" | "signal" | "report">;

const isIstiodCluster = (cluster: PlannedCluster): cluster is PlannedIstiodCluster => cluster.kind === "istiod";

async function timed<Result>(supplies: FleetSupplies, what: string, work: () => Promise<Result>): Promise<Result> {
  const startedMs = performance.now();
  const result = await work();
  supplies.report(`${what} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  return result;
}

/** Waits for all, and throws the first failure only when every one has ended, so that nothing goes on behind a report. */
async function settleAll(work: Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).filter((result) => result.status === "rejected");
  const first = failed[0];
  if (first !== undefined) throw first.reason;
}

async function ensureIstiodCluster(
  context: FleetContext,
  supplies: FleetSupplies,
  cluster: PlannedIstiodCluster,
  backbone: number,
): Promise<void> {
  await timed(supplies, `${cluster.name}: ready, line ${cluster.line}`, async () => {
    const files = await ensureClusterFiles(context, cluster);
    await ensureNodePlace(context.processes, cluster, backbone, nodeFolder(context, cluster), context.signal);
    const api = ensureControlPlane(context, cluster, files);
    await settleAll([
      timed(supplies, `${cluster.name}/node: ready`, () => ensureNode(context, cluster, files, api)),
      api.then((client) => applyClusterDns(context, cluster, client)),
      ensureEdge(context, cluster),
    ]);
    await waitForClusterDns(context, cluster, await api);
  });
}

/**
 * Makes the fleet what its topology says, and repairs what is broken: whatever runs is left alone, whatever does not is started.
 * @returns the plan in force
 * @throws FleetError at the first thing that could not be brought up
 */
export async function bringUp(state: FleetState, topology: Topology, supplies: FleetSupplies): Promise<FleetPlan> {
  return withFleetLock(state, 60_000, async () => {
    const plan = await ensurePlan(state, topology);
    supplies.report(`network: ${plan.cidr}`);
    const backbone = await ensureBackbone(state.processes, plan, state.folder, supplies.signal);
    const store = { part: "etcd", address: plan.etcdAddress } as const;
    const names = { part: "dns-etcd", address: plan.dnsAddress } as const;
    const context: FleetContext = {
      ...supplies,
      plan,
      stateFolder: state.folder,
      processes: state.processes,
      etcd: await ensureEtcdFiles(state.folder, store),
    };
    const nameAccess = await ensureEtcdFiles(state.folder, names);
    await timed(supplies, "etcd: ready", () => ensureEtcd(context, store, context.etcd));
    await settleAll([
      ensureEtcd(context, names, nameAccess).then(() =>
        timed(supplies, "dns: ready", () => ensureDns(context, nameAccess)),
      ),
      ...plan.clusters.map((cluster) =>
        isIstiodCluster(cluster)
          ? ensureIstiodCluster(context, supplies, cluster, backbone)
          : timed(supplies, `${cluster.name}: ready, mesh cluster of ${cluster.seed}`, async () => {
              await ensureControlPlane(context, cluster, await ensureClusterFiles(context, cluster));
            }),
      ),
    ]);
    return plan;
  });
}
