import {
  clusterLabel,
  type ConnectRequest,
  type ConnectResult,
  connectCluster,
  createDeadline,
  createExtendableDeadline,
  createKubeClient,
  createMeshClient,
  disconnectCluster,
  type DisconnectRequest,
  type DisconnectResult,
  type ExtendableDeadline,
  findMeshRevisions,
  type IstiodCluster,
  type IstiodLoad,
  managedByLabel,
  managedByValue,
  type MeshCluster,
  type MeshRequest,
  openRevisionStream,
  type Proof,
  proveRevision,
  type ProviderConfig,
  readIstiodLoads,
  reconcileRevision,
  type RemovalRequest,
  type RemovalResult,
  removeMeshOrphan,
  removeRevision,
  renewClusterToken,
  type RevisionRequest,
  type RevisionResult,
  revisionLabel,
} from "@pilothouse/provisioner";

/** What is watched of a revision, and through what. */
export interface ProbeTarget {
  mesh: MeshCluster;
  revision: { id: string; hostname: string; version: string };
}

/** Hears of a stream that is open. */
export interface StreamListener {
  onEnd: (why: string) => void;
  /** It will be closed in some seconds: time to open another. */
  onDraining: () => void;
}

export interface OpenStream {
  close: () => Promise<void>;
}

/** Looks at one revision through the public edge, with connections that are kept. Writes nothing that stays. */
export interface Prober {
  /** The proofs asked for; all when absent. Never fails for a failed one. */
  prove: (options: { only?: ["admission"]; timeoutMs: number; signal: AbortSignal }) => Promise<Proof[]>;
  /** Fails when no stream could be opened within the time. */
  openStream: (options: StreamListener & { timeoutMs: number; signal: AbortSignal }) => Promise<OpenStream>;
  close: () => Promise<void>;
}

/** Keeps a connection to an istiod cluster, to see whether its API server answers. */
export interface HealthCheck {
  /** One cheap read that its storage has to answer. Fails with what is wrong. */
  check: (timeoutMs: number) => Promise<void>;
  close: () => Promise<void>;
}

type RenewRequest = Parameters<typeof renewClusterToken>[0];
type RenewResult = Awaited<ReturnType<typeof renewClusterToken>>;

/** All that this worker does to clusters. */
export interface Provisioner {
  connectCluster: (request: ConnectRequest) => Promise<ConnectResult>;
  disconnectCluster: (request: DisconnectRequest) => Promise<DisconnectResult>;
  renewClusterToken: (request: RenewRequest) => Promise<RenewResult>;
  reconcileRevision: (request: RevisionRequest) => Promise<RevisionResult>;
  removeRevision: (request: RemovalRequest) => Promise<RemovalResult>;
  /** Ids of all revisions that have something in a mesh cluster. */
  findMeshRevisions: (request: MeshRequest) => Promise<string[]>;
  /** Removes what one of them, that nobody wants, has there. */
  removeMeshOrphan: (request: MeshRequest & { revisionId: string; lines: readonly string[] }) => Promise<void>;
  /** One serves for 24 days at most. */
  openProber: (target: ProbeTarget, provider: ProviderConfig) => Prober;
  openHealthCheck: (cluster: IstiodCluster) => HealthCheck;
  /** What each istiod of a revision says of itself. */
  readIstiodLoads: (cluster: IstiodCluster, revisionId: string) => Promise<IstiodLoad[]>;
  /** Namespaces of revisions in an istiod cluster. */
  listRevisionNamespaces: (cluster: IstiodCluster) => Promise<RevisionNamespace[]>;
  /** Deletes such a namespace if it is still the one that was listed. */
  deleteRevisionNamespace: (
    cluster: IstiodCluster,
    namespace: Pick<RevisionNamespace, "revisionId" | "uid">,
  ) => Promise<void>;
}

/** A revision's namespace in an istiod cluster. */
export interface RevisionNamespace {
  revisionId: string;
  /** Id of the mesh cluster that it serves. */
  clusterId: string;
  uid: string;
}

/** Longer than the 10 s for which an API server waits for a webhook, so that its own words come back. In milliseconds. */
const probeCallTimeoutMs = 12_000;
const janitorTimeoutMs = 20_000;
const loadTimeoutMs = 5_000;
/** A deadline is 24 days away at most. In milliseconds. */
const longestDeadlineMs = 2 ** 31 - 1;
/** Long before that, a client that is kept is made anew. In milliseconds. */
const clientLifeMs = 86_400_000;

/** The real one. */
export const clusterProvisioner: Provisioner = {
  connectCluster,
  disconnectCluster,
  renewClusterToken,
  reconcileRevision,
  removeRevision,
  findMeshRevisions,
  removeMeshOrphan,
  openProber,
  openHealthCheck,

  async readIstiodLoads(cluster, revisionId) {
    // Many are asked one after the other, over the connections that reconciles have open.
    const client = createKubeClient(cluster.access, {
      deadline: createDeadline(loadTimeoutMs),
      callTimeoutMs: loadTimeoutMs,
      sharesConnections: true,
    });
    try {
      return await readIstiodLoads(client, revisionId);
    } finally {
      await client.close();
    }
  },

  async listRevisionNamespaces(cluster) {
    return withIstiodClient(cluster, async (client) => {
      const namespaces = await client.list(
        { apiVersion: "v1", kind: "Namespace" },
        { labelSelector: `${managedByLabel}=${managedByValue},${revisionLabel}` },
      );
      return namespaces.flatMap(({ metadata }) => {
        const revisionId = metadata.labels?.[revisionLabel];
        const isOurs = revisionId === metadata.name && metadata.deletionTimestamp === undefined;
        const clusterId = metadata.labels?.[clusterLabel] ?? "";
        return isOurs && metadata.uid !== undefined ? [{ revisionId, clusterId, uid: metadata.uid }] : [];
      });
    });
  },

  async deleteRevisionNamespace(cluster, { revisionId, uid }) {
    await withIstiodClient(cluster, (client) =>
      client.delete({ apiVersion: "v1", kind: "Namespace", name: revisionId }, { uid, propagation: "Background" }),
    );
  },
};

function openProber({ mesh, revision }: ProbeTarget, provider: ProviderConfig): Prober {
  // Probes write nothing, so no lease bounds them: each has a time limit of its own.
  const life = createExtendableDeadline({ afterMs: longestDeadlineMs });
  const meshClient = createMeshClient(mesh, provider, {
    deadline: life,
    signal: life.signal,
    callTimeoutMs: probeCallTimeoutMs,
  });
  const common = { meshClient, revision, provider };
  return {
    async prove({ only, timeoutMs, signal }) {
      const { proofs } = await proveRevision({ ...common, timeoutMs, signal, ...(only === undefined ? {} : { only }) });
      return proofs;
    },
    openStream: ({ onEnd, onDraining, timeoutMs, signal }) =>
      openRevisionStream({
        ...common,
        timeoutMs,
        signal,
        onResponse: () => undefined,
        onEnd: (end) => onEnd(end.kind),
        onDraining,
      }),
    async close() {
      life.end();
      await meshClient.close();
    },
  };
}

function openHealthCheck(cluster: IstiodCluster): HealthCheck {
  let open: { client: ReturnType<typeof createKubeClient>; life: ExtendableDeadline; untilMs: number } | undefined;
  async function close(): Promise<void> {
    const former = open;
    open = undefined;
    former?.life.end();
    await former?.client.close();
  }
  return {
    async check(timeoutMs) {
      if (open !== undefined && performance.now() >= open.untilMs) await close();
      if (open === undefined) {
        const life = createExtendableDeadline({ afterMs: longestDeadlineMs });
        const client = createKubeClient(cluster.access, {
          deadline: life,
          signal: life.signal,
          callTimeoutMs: timeoutMs,
        });
        open = { client, life, untilMs: performance.now() + clientLifeMs };
      }
      await open.client.request("GET", "/api/v1/namespaces/kube-system");
    },
    close,
  };
}

async function withIstiodClient<Result>(
  cluster: IstiodCluster,
  work: (client: ReturnType<typeof createKubeClient>) => Promise<Result>,
): Promise<Result> {
  const client = createKubeClient(cluster.access, { deadline: createDeadline(janitorTimeoutMs) });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
