/** Desired state that comes in, and observations that go out. Plain data: a caller may store it or send it. */

export type ConditionStatus = "True" | "False" | "Unknown";

/** One observation of one aspect, in the form of Kubernetes' API conventions. Messages are stable: no times, no ids that change. */
export interface Condition {
  type: string;
  status: ConditionStatus;
  /** CamelCase, for machines. */
  reason: string;
  /** A sentence for people: what is the case, and what to do when it is not as wished. */
  message: string;
}

/** How to reach an API server. Either a bearer token or a client certificate; never both. */
export interface ClusterAccess {
  /** `https://host:port` */
  server: string;
  /** PEM bundle that the server's certificate is checked against; the system's roots when absent. */
  certificateAuthority?: string;
  /** Name in the server's certificate when it differs from the host in `server`. */
  tlsServerName?: string;
  credential: { token: string } | { clientCertificate: string; clientKey: string };
}

/** A ServiceAccount token that lives as long as the Secret it is bound to. */
export interface BoundToken {
  token: string;
  namespace: string;
  serviceAccount: string;
  secretName: string;
  secretUid: string;
  issuedAt: string;
  /** What the API server granted, which may be less than what was asked for. */
  expiresAt: string;
}

/** A connected mesh cluster, as `connectCluster` returned it. Holds a secret: seal it before storing it. */
export interface MeshCluster {
  id: string;
  server: string;
  certificateAuthority?: string;
  tlsServerName?: string;
  /** UID of the namespace kube-system: tells one cluster from another behind the same address. */
  clusterUid: string;
  /** Pilothouse's own identity there. */
  token: BoundToken;
}

/** A Kubernetes cluster of the provider that hosts revisions of exactly one version line. */
export interface IstiodCluster {
  name: string;
  /** Istio minor, as `1.32`. */
  line: string;
  access: ClusterAccess;
  /** Public addresses of its edge, to which a revision's hostname resolves. */
  edgeAddresses: string[];
  /**
   * CIDR ranges from which its pods see connections of the edge, for network policies: the nodes' where the edge uses its node's network or a load
   * balancer translates addresses. The edge's own addresses when absent. An edge of pods is let in by its namespace's label
   * `pilothouse.io/component: edge`, too.
   */
  edgeSourceRanges?: string[];
}

/** One Istio version of the catalogue. Chart references pass through to Helm: a folder, `repo/chart`, or `oci://`. */
export interface IstioVersion {
  /** As istiod reports it, e.g. `1.32-dev`. */
  version: string;
  line: string;
  charts: { base: string; istiod: string; chartVersion?: string };
  image: { hub: string; tag: string; pullPolicy: "Always" | "IfNotPresent" | "Never" };
}

/** One istiod of one version: it has the placement, the namespace, the hostname, the token and the proof. */
export interface Revision {
  /** DNS label; at once `istio.io/rev`, the namespace in the istiod cluster, and the first label of the hostname. */
  id: string;
  tenant: string;
  controlPlane: string;
  version: IstioVersion;
  replicas: number;
  /**
   * Who keeps Istio's CustomResourceDefinitions: `apply` (the default) has Pilothouse bring them to the revision's line and never
   * back; with `leave` the tenant does, and Pilothouse says what is missing.
   */
  customResources?: "apply" | "leave";
  /** How long a new token of istiod shall live, in seconds; renewed at 60 % of what the API server grants. */
  tokenLifetimeSeconds: number;
}

/** What the provider decides once for all revisions. */
export interface ProviderConfig {
  /** Parent domain of all revisions' hostnames. */
  domain: string;
  /** DNS servers the prober asks (`ip` or `ip:port`); the system's when absent. */
  resolvers?: string[];
  /** CIDR ranges of private, loopback or link-local addresses in which mesh clusters' API servers may live. */
  allowedApiServerRanges: string[];
  /** true where proxies are plain Envoys without Istio's own filters, as in the local fleet. */
  plainEnvoy?: boolean;
  /** The helm program: a path, or a name on PATH. */
  helm: string;
  /**
   * Folder with Helm's own files, for charts that are not folders: `repositories.yaml` (needed for `repo/chart`), `registry.json` (logins for
   * `oci://`) and `cache/`. Without it every call has an empty one.
   */
  helmHome?: string;
}
