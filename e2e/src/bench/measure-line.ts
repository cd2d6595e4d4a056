import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createDeadline,
  createKubeClient,
  type KubeClient,
  parseKubeconfig,
  proveRevision,
} from "@pilothouse/provisioner";
import { findIstiodCluster, findVersion, type Ground } from "../ground.ts";
import { type ByHand, prepareByHand } from "./by-hand.ts";
import {
  clearMeshCluster,
  type ClusterPair,
  createProbePlace,
  isKeptOnPurpose,
  readDefinitionVersions,
  readPairState,
  removeProbePlace,
  waitForState,
} from "./cluster-state.ts";
import type { TimedRun } from "./statistics.ts";
import { prepareWithPilothouse, type ProvisionRun } from "./with-pilothouse.ts";

/** A day: no comparison lasts longer, and a client must have a deadline. */
const sessionMs = 86_400_000;
const proofLimitMs = 60_000;
const proofIntervalMs = 100;

/** What was measured of a version line. */
export interface LineMeasurement {
  line: string;
  istio: string;
  kubernetes: string;
  helm: string;
  kubectl: string;
  /** In the order in which they were measured: run n of one is followed by run n of the other. */
  pilothouse: ProvisionRun[];
  byHand: TimedRun[];
  /** How long after the script's end its control plane answered all four proofs, seen once. */
  byHandProvenAfterMs: number;
}

export interface LineOptions {
  /** Name of the mesh cluster. */
  cluster: string;
  line: string;
  runs: number;
  print: (text: string) => void;
  /** Asked before each pair of runs: true ends the comparison with those that were made. */
  isStopped: () => boolean;
}

async function createAdminClient(kubeconfig: string): Promise<KubeClient> {
  return createKubeClient(parseKubeconfig(await readFile(kubeconfig, "utf8")).access, {
    deadline: createDeadline(sessionMs),
  });
}

/** Waits for a run, and removes what it made whether it went well or not. A failed run's own error is what is thrown. */
async function cleanUpAfter<Result>(run: Promise<Result>, remove: () => Promise<void>): Promise<Result> {
  const [outcome] = await Promise.allSettled([run]);
  const [removal] = await Promise.allSettled([remove()]);
  if (outcome.status === "rejected") throw outcome.reason;
  if (removal.status === "rejected") throw removal.reason;
  return outcome.value;
}

/** Asks the prober about a control plane that it did not make, until everything is proven. Answers how long that took. */
async function waitUntilProven(ground: Ground, pair: ClusterPair, id: string, version: string): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const { proofs } = await proveRevision({
      meshClient: pair.mesh,
      revision: { id, hostname: `${id}.${ground.provider.domain}`, version },
      provider: ground.provider,
      signal: AbortSignal.timeout(proofLimitMs),
    });
    const elapsedMs = performance.now() - startedMs;
    const failed = proofs.find((proof) => !proof.ok);
    if (failed === undefined) return elapsedMs;
    if (elapsedMs > proofLimitMs)
      throw new Error(`by-hand.sh made a control plane that does not serve: ${failed.name}: ${failed.message}`);
    await sleep(proofIntervalMs);
  }
}

async function installAndProve(
  ground: Ground,
  pair: ClusterPair,
  byHand: ByHand,
  id: string,
  version: string,
): Promise<number> {
  await createProbePlace(pair);
  const proving = byHand.install(id).then(() => waitUntilProven(ground, pair, id, version));
  return cleanUpAfter(proving, async () => {
    await byHand.remove(id);
    await removeProbePlace(pair);
  });
}

/**
 * Compares Pilothouse with the script for a version line: one run of each that does not count, the script's with all four proofs,
 * then pairs of runs, each followed by a removal that is waited for until both clusters hold what they held before. Every run
 * has a name of its own, as a new revision has; nothing remembers an older one.
 *
 * @throws Error when a run fails, the clusters do not return to their state, or definitions were written in between
 */
export async function measureLine(ground: Ground, options: LineOptions): Promise<LineMeasurement> {
  const { cluster, line, print } = options;
  const target = ground.status.clusters.find((candidate) => candidate.name === cluster && candidate.kind === "mesh");
  if (target === undefined) throw new Error(`the fleet has no mesh cluster ${cluster}`);
  const version = findVersion(ground, line);
  const istiodCluster = await findIstiodCluster(ground, line, target.region);
  const mesh = { name: cluster, kubeconfig: target.kubeconfig };
  const istiodKubeconfig = ground.status.clusters.find(({ name }) => name === istiodCluster.name)?.kubeconfig ?? "";
  const pair: ClusterPair = {
    meshName: cluster,
    mesh: await createAdminClient(target.kubeconfig),
    istiod: await createAdminClient(istiodKubeconfig),
  };
  const byHand = await prepareByHand(ground, version, mesh, istiodCluster);
  const pilothouse = await prepareWithPilothouse(ground, version, mesh, istiodCluster);
  const stamp = Math.floor(Date.now() / 1000).toString(36);
  try {
    await clearMeshCluster(pair);
    const before = await readPairState(pair);
    const provision = (id: string): Promise<ProvisionRun> =>
      cleanUpAfter(pilothouse.provision(id), () => pilothouse.remove());
    const install = (id: string): Promise<TimedRun> => cleanUpAfter(byHand.install(id), () => byHand.remove(id));

    const warmUp = await provision(`ours-${stamp}-0`);
    await waitForState(pair, before, isKeptOnPurpose);
    print(`${line}  warm-up: Pilothouse ready and proven`);
    const byHandProvenAfterMs = await installAndProve(ground, pair, byHand, `hand-${stamp}-0`, version.version);
    const start = await waitForState(pair, before, isKeptOnPurpose);
    print(`${line}  warm-up: what by-hand.sh made is proven too, ${Math.round(byHandProvenAfterMs)} ms after its end`);

    const definitions = await readDefinitionVersions(pair);
    const runs: { pilothouse: ProvisionRun; byHand: TimedRun }[] = [];
    for (let number = 1; number <= options.runs && !options.isStopped(); number += 1) {
      const ours = await provision(`ours-${stamp}-${number}`);
      await waitForState(pair, start);
      const theirs = await install(`hand-${stamp}-${number}`);
      await waitForState(pair, start);
      runs.push({ pilothouse: ours, byHand: theirs });
      const seconds = (run: TimedRun): string => `${(run.totalMs / 1000).toFixed(2)} s`.padStart(8);
      const ratio = (ours.totalMs / theirs.totalMs).toFixed(2);
      print(
        `${line}  run ${String(number).padStart(2)} of ${options.runs}   Pilothouse ${seconds(ours)}   by hand ${seconds(theirs)}   ratio ${ratio}`,
      );
    }
    if ((await readDefinitionVersions(pair)) !== definitions) {
      throw new Error("Istio's definitions were written during the runs, so not all runs found them in the same state");
    }
    return {
      line,
      istio: version.version,
      kubernetes: warmUp.kubernetesVersion,
      ...(await byHand.readVersions()),
      pilothouse: runs.map((run) => run.pilothouse),
      byHand: runs.map((run) => run.byHand),
      byHandProvenAfterMs,
    };
  } finally {
    await Promise.all([byHand.close(), pair.mesh.close(), pair.istiod.close()]);
  }
}
