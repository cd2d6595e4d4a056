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
import { prepareWithProvisioner, type ProvisionRun } from "./with-provisioner.ts";
import { type BenchService, prepareWithService, type ServiceRun } from "./with-service.ts";

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
  /** Run n of each belongs to round n, one right after the other. */
  provisioner: ProvisionRun[];
  service: ServiceRun[];
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
  /** Asked before each round: true ends the comparison with those that were made. */
  isStopped: () => boolean;
  service: BenchService;
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

/** What is compared. */
interface Sides {
  byHand: () => Promise<TimedRun>;
  provisioner: () => Promise<ProvisionRun>;
  service: () => Promise<ServiceRun>;
}
type Round = { [Side in keyof Sides]: Awaited<ReturnType<Sides[Side]>> };

/**
 * Runs each side once. Who is first changes with every round, so that being first, or behind somebody, helps nobody.
 *
 * @param settle waits until the next side finds what this one found
 */
async function runRound(number: number, sides: Sides, settle: () => Promise<unknown>): Promise<Round> {
  const round: Partial<Round> = {};
  const runs: (() => Promise<void>)[] = [
    async () => void (round.byHand = await sides.byHand()),
    async () => void (round.provisioner = await sides.provisioner()),
    async () => void (round.service = await sides.service()),
  ];
  for (let place = 0; place < runs.length; place += 1) {
    await runs[(number + place) % runs.length]?.();
    await settle();
  }
  const { byHand, provisioner, service } = round;
  if (byHand === undefined || provisioner === undefined || service === undefined) throw new Error("a side did not run");
  return { byHand, provisioner, service };
}

function describeRound(number: number, { line, runs }: LineOptions, { byHand, provisioner, service }: Round): string {
  const seconds = (run: TimedRun): string => `${(run.totalMs / 1000).toFixed(2)} s`.padStart(8);
  const ratio = (run: TimedRun): string => `(${(run.totalMs / byHand.totalMs).toFixed(2)})`;
  return (
    `${line}  round ${String(number).padStart(2)} of ${runs}   by hand ${seconds(byHand)}   ` +
    `provisioner ${seconds(provisioner)} ${ratio(provisioner)}   over REST ${seconds(service)} ${ratio(service)}`
  );
}

/**
 * Compares the provisioner's functions and the whole service with the script, for a version line: one run of each that does not count, the
 * script's with all four proofs, then rounds of one run of each, each followed by a removal that is waited for until both clusters hold what
 * they held before. Every run has a name of its own, as a new revision has; nothing remembers an older one.
 *
 * @throws Error when a run fails, the clusters do not return to their state, or definitions were written in between
 */
export async function measureLine(ground: Ground, options: LineOptions): Promise<LineMeasurement> {
  const { cluster, line, print } = options;
  const target = ground.status.clusters.find((candidate) => candidate.name === cluster && candidate.kind === "mesh");
  if (target === undefined) throw new Error(`the fleet has no mesh cluster ${cluster}`);
  const version = findVersion(ground, line);
  const istiodCluster = await findIstiodCluster(ground, line, target.region);
  const mesh = { name: cluster, kubeconfig: target.kubeconfig, region: target.region };
  const istiodKubeconfig = ground.status.clusters.find(({ name }) => name === istiodCluster.name)?.kubeconfig ?? "";
  const pair: ClusterPair = {
    meshName: cluster,
    mesh: await createAdminClient(target.kubeconfig),
    istiod: await createAdminClient(istiodKubeconfig),
  };
  const byHand = await prepareByHand(ground, version, mesh, istiodCluster);
  const provisioner = await prepareWithProvisioner(ground, version, mesh, istiodCluster);
  const service = await prepareWithService(options.service, line, mesh, istiodCluster.name);
  const stamp = Math.floor(Date.now() / 1000).toString(36);
  try {
    await clearMeshCluster(pair);
    const before = await readPairState(pair);
    const provision = (id: string): Promise<ProvisionRun> =>
      cleanUpAfter(provisioner.provision(id), () => provisioner.remove());
    const order = (name: string): Promise<ServiceRun> => cleanUpAfter(service.provision(name), () => service.remove());
    const install = (id: string): Promise<TimedRun> => cleanUpAfter(byHand.install(id), () => byHand.remove(id));

    const warmUp = await provision(`ours-${stamp}-0`);
    await waitForState(pair, before, isKeptOnPurpose);
    print(`${line}  warm-up: the provisioner's is ready and proven`);
    await order(`rest-${stamp}-0`);
    await waitForState(pair, before, isKeptOnPurpose);
    print(`${line}  warm-up: the service's is Ready`);
    const byHandProvenAfterMs = await installAndProve(ground, pair, byHand, `hand-${stamp}-0`, version.version);
    const start = await waitForState(pair, before, isKeptOnPurpose);
    print(`${line}  warm-up: what by-hand.sh made is proven too, ${Math.round(byHandProvenAfterMs)} ms after its end`);

    const definitions = await readDefinitionVersions(pair);
    const rounds: Round[] = [];
    for (let number = 1; number <= options.runs && !options.isStopped(); number += 1) {
      const sides: Sides = {
        byHand: () => install(`hand-${stamp}-${number}`),
        provisioner: () => provision(`ours-${stamp}-${number}`),
        service: () => order(`rest-${stamp}-${number}`),
      };
      const round = await runRound(number, sides, () => waitForState(pair, start));
      rounds.push(round);
      print(describeRound(number, options, round));
    }
    if ((await readDefinitionVersions(pair)) !== definitions) {
      throw new Error("Istio's definitions were written during the runs, so not all runs found them in the same state");
    }
    return {
      line,
      istio: version.version,
      kubernetes: warmUp.kubernetesVersion,
      ...(await byHand.readVersions()),
      provisioner: rounds.map((round) => round.provisioner),
      service: rounds.map((round) => round.service),
      byHand: rounds.map((round) => round.byHand),
      byHandProvenAfterMs,
    };
  } finally {
    await Promise.all([byHand.close(), pair.mesh.close(), pair.istiod.close()]);
  }
}
