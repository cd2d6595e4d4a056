/** A Kubernetes object of any kind, as the API serves it. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string }[];
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

export interface ObjectRef {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
}

/** An object of which only the metadata was asked for. */
export type ObjectMetadata = Pick<KubeObject, "metadata">;

/** Which objects a list is of; all when nothing is said. */
export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/**
 * The calls Pilothouse makes to an API server. Every call has a time limit, ends when the client's signal is aborted, and no
 * write is sent once the client's deadline has passed. Failures are ProvisionerErrors.
 */
export interface KubeClient {
  readonly server: string;
  /** undefined when the object, or its kind, does not exist. */
  get(ref: ObjectRef): Promise<KubeObject | undefined>;
  /** All pages. An empty list when the kind is not served. */
  list(kind: { apiVersion: string; kind: string }, options?: ListOptions): Promise<KubeObject[]>;
  /** As `list`, but the server sends no more of the objects than their metadata. */
  listMetadata(kind: { apiVersion: string; kind: string }, options?: ListOptions): Promise<ObjectMetadata[]>;
  /**
   * All that is served below `/apis`, as `<group>/<version>/<resource>`, in one call; undefined when the server is older than that form of discovery
   * (Kubernetes 1.30 and later have `apidiscovery.k8s.io/v2`).
   */
  listServed(): Promise<ReadonlySet<string> | undefined>;
  /** POST; a dry run reaches admission and stores nothing. */
  create(object: KubeObject, options?: { dryRun?: boolean }): Promise<KubeObject>;
  /** Server-side apply, forced, with the field manager `pilothouse`; a dry run reaches admission and stores nothing. Answers no more than metadata. */
  apply(object: KubeObject, options?: { dryRun?: boolean }): Promise<ObjectMetadata>;
  /** false when there was nothing to delete, or when `uid` is given and another object has taken the name. */
  delete(
    ref: ObjectRef,
    options?: { uid?: string; propagation?: "Foreground" | "Background" | "Orphan" },
  ): Promise<boolean>;
  /** TokenRequest. The token is bound to the Secret when one is named. */
  requestToken(
    serviceAccount: { namespace: string; name: string },
    request: { audiences?: string[]; expirationSeconds: number; boundSecret?: { name: string; uid: string } },
  ): Promise<{ token: string; expiresAt: string }>;
  /** A call for what has no verb here: path with query, JSON in and out. Throws ProvisionerError on a status of 400 or more. */
  request(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<unknown>;
  /** GET of what is no JSON, such as what a pod answers through the API server; at most 8 MiB. @throws as `request` */
  readText(path: string): Promise<string>;
  /** Ends its connections. Idle ones keep no process alive and end by themselves after half a minute. */
  close(): Promise<void>;
}
