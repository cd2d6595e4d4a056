import { setTimeout as sleep } from "node:timers/promises";
import {
  type Condition,
  connectSteps,
  type Proof,
  ProvisionerError,
  reconcileSteps,
  removeSteps,
} from "@pilothouse/provisioner";
import type { Provisioner } from "../../src/provisioner.ts";

/** Faults that a test asks for. Each is asked at the moment of the call. */
export interface Faults {
  /** Before each reconcile or removal of a revision. */
  onRevision?: (revisionId: string, istiodCluster: string) => Promise<void> | void;
  /** Before each proof of a sentinel. */
  onProve?: (revisionId: string) => Promise<void> | void;
  /** Before a mesh cluster is searched for orphans. */
  onOrphanLook?: () => Promise<void> | void;
  onConnect?: () => Promise<void> | void;
  onRenew?: () => Promise<void> | void;
  /** The mesh cluster refuses Pilothouse's token in a reconcile. */
  isTokenRefused?: (revisionId: string) => boolean;
  /** What istiod's end looks like to a reconcile. */
  isIstiodDown?: (revisionId: string) => boolean;
  isClusterDown?: (istiodCluster: string) => boolean;
  /** Instead of what isIstiodDown means for a probe: nothing can be seen. */
  isMeshHidden?: (revisionId: string) => boolean;
  tokenLifetimeMs?: number;
  /** Connected to each istiod; none when absent. */
  proxies?: number;
  /** Istiods can't be asked for what they count. */
  areLoadsHidden?: boolean;
}

/** A world without clusters: what would be in them is kept here, and calls are counted. */
export interface FakeProvisioner extends Provisioner {
  faults: Faults;
  calls: string[];
  /** Revisions that exist in the clusters. */
  revisions: Set<string>;
  /** Ids of the mesh clusters that the namespaces of revisions name; "" when absent. */
  owners: Map<string, string>;
  /** Revisions that have something left in every mesh cluster. */
  left: Set<string>;
  /** Lets the streams of a revision end, as those of a killed istiod do. */
  breakStreams: (revisionId: string) => void;
  openStreams: () => number;
  /** Most that ran at the same time, by istiod cluster. */
  mostRunning: Map<string, number>;
}

const down = (message: string): ProvisionerError => new ProvisionerError("transient", "ConnectionRefused", message);

export function createFakeProvisioner(): FakeProvisioner {
  const faults: Faults = {};
  const calls: string[] = [];
  const revisions = new Set<string>();
  const left = new Set<string>();
  const owners = new Map<string, string>();
  const streams = new Map<string, Set<() => void>>();
  const running = new Map<string, number>();
  const mostRunning = new Map<string, number>();

  async function counted<Result>(shard: string, work: () => Promise<Result>): Promise<Result> {
    const now = (running.get(shard) ?? 0) + 1;
    running.set(shard, now);
    mostRunning.set(shard, Math.max(now, mostRunning.get(shard) ?? 0));
    try {
      return await work();
    } finally {
      running.set(shard, (running.get(shard) ?? 1) - 1);
    }
  }

  const condition = (type: string, status: Condition["status"], reason: string): Condition => ({
    type,
    status,
    reason,
    message: `${type} is ${status} because of ${reason}.`,
  });

  const proof = (name: Proof["name"], revisionId: string): Proof => {
    const base = { name, latencyMs: 1, details: {} };
    if (faults.isMeshHidden?.(revisionId) === true)
      return {
        ...base,
        ok: false,
        verdict: "unknown",
        waitable: true,
        reason: "MeshApiUnavailable",
        message: "The API server does not answer.",
      };
    if (faults.isIstiodDown?.(revisionId) === true)
      return {
        ...base,
        ok: false,
        verdict: "refuted",
        waitable: true,
        reason: "ConnectionRefused",
        message: "The edge refuses.",
      };
    return { ...base, ok: true, verdict: "proven", waitable: false, message: "It works." };
  };

  return {
    faults,
    calls,
    revisions,
    left,
    owners,
    mostRunning,
    breakStreams: (id) => streams.get(id)?.forEach((end) => end()),
    openStreams: () => [...streams.values()].reduce((sum, { size }) => sum + size, 0),

    async connectCluster({ id, kubeconfig, onStep, deadline }) {
      calls.push(`connect ${id}`);
      await faults.onConnect?.();
      deadline.assertNotPassed("connecting");
      for (const step of connectSteps) onStep?.(step);
      const nowMs = Date.now();
      const token = {
        token: `token-of-${id}`,
        namespace: "pilothouse-system",
        serviceAccount: "pilothouse",
        secretName: "a",
        secretUid: "1",
        issuedAt: new Date(nowMs).toISOString(),
        expiresAt: new Date(nowMs + (faults.tokenLifetimeMs ?? 86_400_000)).toISOString(),
      };
      const server = `https://${kubeconfig.length}.example.test:6443`;
      return {
        cluster: { id, server, clusterUid: `uid-of-${kubeconfig}`, token },
        conditions: [condition("Connected", "True", "IdentitiesInstalled")],
        report: {
          server,
          kubernetesVersion: "v1.34.4",
          clusterUid: `uid-of-${kubeconfig}`,
          granted: { user: "admin", groups: [], isUnlimited: true, needed: [] },
          lines: [],
          istioGroups: [],
          systemNamespace: "absent",
          isConnected: false,
        },
      };
    },

    async disconnectCluster({ cluster }) {
      calls.push(`disconnect ${cluster.id}`);
      return {
        done: true,
        conditions: [condition("Disconnected", "True", "Removed")],
        leftovers: [],
        kept: ["CustomResourceDefinitions"],
      };
    },

    async renewClusterToken({ cluster, saveCluster }) {
      calls.push(`renew ${cluster.id}`);
      await faults.onRenew?.();
      const issuedMs = Date.parse(cluster.token.issuedAt);
      const lifetimeMs = Date.parse(cluster.token.expiresAt) - issuedMs;
      const dueInMs = issuedMs + lifetimeMs * 0.6 - Date.now();
      if (dueInMs > 0) return { cluster, renewed: false, requeueAfterMs: dueInMs };
      const nowMs = Date.now();
      const token = {
        ...cluster.token,
        token: `${cluster.token.token}+`,
        issuedAt: new Date(nowMs).toISOString(),
        expiresAt: new Date(nowMs + lifetimeMs).toISOString(),
      };
      await saveCluster({ ...cluster, token });
      return { cluster: { ...cluster, token }, renewed: true, requeueAfterMs: lifetimeMs * 0.6 };
    },

    reconcileRevision: ({ revision, istiodCluster, onStep, deadline }) =>
      counted(istiodCluster.name, async () => {
        calls.push(`reconcile ${revision.id}`);
        await faults.onRevision?.(revision.id, istiodCluster.name);
        const observed = {
          hostname: `${revision.id}.x`,
          namespace: revision.id,
          configHash: `r${revision.replicas}`,
          proofs: [] as Proof[],
        };
        if (faults.isClusterDown?.(istiodCluster.name) === true) {
          await sleep(50);
          const conditions = [
            condition("Isolated", "Unknown", "ConnectionRefused"),
            condition("Ready", "Unknown", "ConnectionRefused"),
          ];
          return { conditions, observed, requeueAfterMs: 2_000 };
        }
        if (faults.isTokenRefused?.(revision.id) === true) {
          const conditions = [
            condition("CustomResourcesServed", "False", "Unauthorized"),
            condition("Ready", "False", "Unauthorized"),
          ];
          return { conditions, observed, requeueAfterMs: 60_000 };
        }
        deadline.assertNotPassed("reconciling");
        revisions.add(revision.id);
        const isDown = faults.isIstiodDown?.(revision.id) === true;
        for (const step of isDown ? reconcileSteps.slice(0, 4) : reconcileSteps) onStep?.(step);
        const first = [condition("Isolated", "True", "Applied")];
        if (isDown)
          return {
            conditions: [
              ...first,
              condition("IstiodAvailable", "False", "Starting"),
              condition("Ready", "False", "Starting"),
            ],
            observed,
            requeueAfterMs: 300,
          };
        observed.proofs = [proof("admission", revision.id)];
        const conditions = [
          ...first,
          condition("IstiodAvailable", "True", "RolledOut"),
          condition("Proven", "True", "Proven"),
          condition("Ready", "True", "Proven"),
        ];
        return { conditions, observed, requeueAfterMs: 600_000 };
      }),

    removeRevision: ({ revision, istiodCluster, giveUpAtMs, onStep }) =>
      counted(istiodCluster.name, async () => {
        calls.push(`remove ${revision.id}`);
        await faults.onRevision?.(revision.id, istiodCluster.name);
        if (faults.isClusterDown?.(istiodCluster.name) === true && Date.now() < giveUpAtMs)
          return {
            done: false,
            conditions: [condition("Removed", "Unknown", "ConnectionRefused")],
            leftovers: [],
            kept: [],
            requeueAfterMs: 2_000,
          };
        const isLeft = faults.isClusterDown?.(istiodCluster.name) === true;
        for (const step of removeSteps) onStep?.(step);
        if (!isLeft) revisions.delete(revision.id);
        return {
          done: true,
          conditions: [isLeft ? condition("Removed", "False", "LeftBehind") : condition("Removed", "True", "Removed")],
          leftovers: isLeft
            ? [
                {
                  cluster: istiodCluster.name,
                  what: `Namespace ${revision.id}`,
                  command: `kubectl delete namespace ${revision.id}`,
                },
              ]
            : [],
          kept: ["CustomResourceDefinitions"],
        };
      }),

    async findMeshRevisions() {
      await faults.onOrphanLook?.();
      return [...left];
    },
    async removeMeshOrphan({ revisionId }) {
      calls.push(`remove orphan ${revisionId}`);
      left.delete(revisionId);
    },

    openProber: ({ revision }) => ({
      async prove({ only }) {
        calls.push(`prove ${only?.join() ?? "all"} ${revision.id}`);
        await faults.onProve?.(revision.id);
        return (only ?? (["admission", "injection", "certificate", "discovery"] as const)).map((name) =>
          proof(name, revision.id),
        );
      },
      async openStream({ onEnd }) {
        if (faults.isIstiodDown?.(revision.id) === true) throw new Error("The edge refuses.");
        const open = streams.get(revision.id) ?? new Set();
        streams.set(revision.id, open);
        const end = (): void => {
          open.delete(end);
          onEnd("broken");
        };
        open.add(end);
        return { close: async () => void open.delete(end) };
      },
      close: async () => undefined,
    }),

    openHealthCheck: ({ name }) => ({
      async check() {
        if (faults.isClusterDown?.(name) === true) throw down(`${name} refuses.`);
      },
      close: async () => undefined,
    }),

    readIstiodLoads: async ({ name }, revisionId) => {
      if (faults.isClusterDown?.(name) === true || faults.areLoadsHidden === true) throw down(`${name} refuses.`);
      calls.push(`load ${revisionId}`);
      return [{ pod: "p", proxies: faults.proxies ?? 0, cpuSeconds: performance.now() / 1_000, memoryBytes: 2 ** 27 }];
    },

    listRevisionNamespaces: async () =>
      [...revisions].map((revisionId) => ({
        revisionId,
        clusterId: owners.get(revisionId) ?? "",
        uid: `uid-${revisionId}`,
      })),
    deleteRevisionNamespace: async (_cluster, { revisionId }) => void revisions.delete(revisionId),
  };
}
