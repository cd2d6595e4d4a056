import { createMeshClient } from "../connect/mesh-client.ts";
import type { Deadline } from "../deadline.ts";
import type { DnsPublisher } from "../dns/publisher.ts";
import { ProvisionerError } from "../errors.ts";
import { buildHostname } from "../istio/names.ts";
import { createKubeClient } from "../kube/client.ts";
import type { KubeClient } from "../kube/types.ts";
import type { Condition, IstiodCluster, MeshCluster, ProviderConfig, Revision } from "../types.ts";
import type { credentialRenewalSteps } from "./credential-renewal.ts";
import type { reconcileSteps } from "./reconcile-revision.ts";
import type { removeSteps } from "./remove-revision.ts";

/** A step of any verb on a revision: of a reconcile, of the renewal of istiod's token within it, or of a removal. */
export type RevisionStep =
  | (typeof reconcileSteps)[number]
  | (typeof credentialRenewalSteps)[number]
  | (typeof removeSteps)[number];

/** What a verb on a revision is given: plain desired state, and who to act through. */
export interface RevisionRequest {
  revision: Revision;
  mesh: MeshCluster;
  istiodCluster: IstiodCluster;
  provider: ProviderConfig;
  dns: DnsPublisher;
  /** Nothing is written after it. One call takes a few seconds at most; the caller calls again after `requeueAfterMs`. */
  deadline: Deadline;
  signal?: AbortSignal;
  /** Called after each step that has been taken. */
  onStep?: (step: RevisionStep) => void;
  /** The wall clock, in milliseconds since 1970; tests move it to make tokens old. */
  nowMs?: () => number;
}

/** A request with its clients; lives for one call. */
export interface RevisionScope extends RevisionRequest {
  hostname: string;
  meshClient: KubeClient;
  istiodClient: KubeClient;
  signal: AbortSignal;
  nowMs: () => number;
  step: (name: RevisionStep) => void;
}

/** What a phase says of itself. It never waits: it names when to look again. */
export interface PhaseResult {
  condition: Condition;
  /** Look again after this many milliseconds; absent when nothing is expected to change. */
  requeueAfterMs?: number;
  /** true when later phases can't do their work yet. */
  blocks?: boolean;
}

/** Runs `work` with clients for both clusters, and closes them. */
export async function withRevisionScope<Result>(
  request: RevisionRequest,
  work: (scope: RevisionScope) => Promise<Result>,
): Promise<Result> {
  assertSupported(request);
  // When one of two phases that run side by side throws, the other must not write on after this call has ended.
  const ended = new AbortController();
  const signals = [request.deadline.signal, ended.signal, ...(request.signal === undefined ? [] : [request.signal])];
  const signal = AbortSignal.any(signals);
  // One cluster that takes calls and never answers leaves time for the other.
  const callTimeoutMs = Math.max(1_000, Math.min(15_000, request.deadline.remainingMs() / 3));
  const options = { deadline: request.deadline, signal, callTimeoutMs };
  const meshClient = createMeshClient(request.mesh, request.provider, options);
  // One istiod cluster holds many revisions, which are looked at one after the other.
  const istiodClient = createKubeClient(request.istiodCluster.access, { ...options, sharesConnections: true });
  try {
    return await work({
      ...request,
      hostname: buildHostname(request.revision, request.provider),
      meshClient,
      istiodClient,
      signal,
      nowMs: request.nowMs ?? Date.now,
      step: (name) => request.onStep?.(name),
    });
  } finally {
    ended.abort();
    await Promise.all([meshClient.close(), istiodClient.close()]);
  }
}

function assertSupported(request: RevisionRequest): void {
  const { revision, istiodCluster } = request;
  if (revision.version.line === istiodCluster.line) return;
  throw new ProvisionerError(
    "user",
    "LineMismatch",
    `Revision ${revision.id} is of line ${revision.version.line}, but istiod cluster ${istiodCluster.name} holds ${istiodCluster.line} only. Place it in an istiod cluster of its own line.`,
    { parameter: "istiodCluster" },
  );
}

/** How long to wait before the next look, by what kind of failure it was, in milliseconds. */
const retryAfterMs = { user: 60_000, transient: 2_000, notReady: 1_000, unknown: 10_000 } as const;

/**
 * Turns what a phase threw into its condition. What could not be seen is Unknown; what was refused is False.
 * Anything that is no ProvisionerError is a fault of this program and thrown on.
 */
export function describeFailure(type: string, error: unknown): PhaseResult {
  if (!(error instanceof ProvisionerError)) throw error;
  return {
    condition: {
      type,
      status: error.kind === "user" ? "False" : "Unknown",
      reason: error.code,
      message: error.message,
    },
    requeueAfterMs: retryAfterMs[error.kind],
    blocks: true,
  };
}
