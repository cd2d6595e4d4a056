import type { KubeClient } from "../kube/types.ts";
import type { ProofDetails, ProofReason } from "./reasons.ts";

/** What is proven of a revision that serves: all of it through the public edge. */
export type RevisionProofName = "admission" | "injection" | "certificate" | "discovery";

/** What is proven of an edge and the istiod behind it before any webhook points there. */
export type EndpointProofName =
  | "webhookHandshake"
  | "discoveryHandshake"
  | "validationAnswer"
  | "injectionAnswer"
  | "certificate"
  | "discovery";

export interface Proof<Name extends string = RevisionProofName | EndpointProofName> {
  name: Name;
  ok: boolean;
  /** `unknown` when Pilothouse could not see: not a failure of the revision. */
  verdict: "proven" | "refuted" | "unknown";
  /** It failed, and is expected to pass by itself while a revision comes up. */
  waitable: boolean;
  /** From the first call of this proof to its last answer, in milliseconds. */
  latencyMs: number;
  /** Absent when `ok`. */
  reason?: ProofReason;
  /** A sentence for people: what is the case, and what to do when it is not as wished. Stable. */
  message: string;
  details: ProofDetails;
}

/** The revision to prove. */
export interface ProofRevision {
  /** The value of `istio.io/rev`. */
  id: string;
  hostname: string;
  /** What the probe's proxy calls its own Istio version, e.g. `1.32-dev`. */
  version?: string;
  /** As in its mesh configuration; `cluster.local` when absent. */
  trustDomain?: string;
}

export interface ProofRequest {
  /** A client for the mesh cluster with Pilothouse's own identity. Its own time limit bounds each of its calls. */
  meshClient: KubeClient;
  revision: ProofRevision;
  provider: {
    /** DNS servers to ask (`ip` or `ip:port`); the system's when absent. */
    resolvers?: string[];
  };
  /** Ports of the edge; 443 and 15012 when absent. */
  ports?: { webhook?: number; xds?: number };
  /** Ends all proofs at once; a proof that was under way is `unknown` with the reason `Aborted`. */
  signal?: AbortSignal;
  /**
   * Time limit of each proof, 15 s when absent: longer than the 10 s an API server waits for a webhook, so that its own words
   * come back. `certificate` and `discovery` run one after the other, everything else at the same time.
   */
  timeoutMs?: number;
}

/** Where the probes live in a mesh cluster; connecting creates both. The namespace must carry no `istio.io/rev` or `istio-injection` label. */
export const probeNamespace = "pilothouse-probe";
export const probeAccount = "pilothouse-probe";
/** Ends the version that Pilothouse's own discovery streams name (`ISTIO_VERSION`), so that istiod counts them apart from proxies. */
export const probeVersionSuffix = "-pilothouse";

export const defaultPorts = { webhook: 443, xds: 15012 } as const;
export const defaultTimeoutMs = 15_000;
