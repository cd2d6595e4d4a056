/** The one door of this package. */
export {
  type ConnectReport,
  type ConnectRequest,
  type ConnectResult,
  connectCluster,
  connectSteps,
} from "./connect/connect-cluster.ts";
export {
  disconnectCluster,
  type DisconnectRequest,
  type DisconnectResult,
  disconnectSteps,
} from "./connect/disconnect-cluster.ts";
export { listConnectionLeftovers } from "./connect/list-connection-leftovers.ts";
export { renewClusterToken, type RenewResult, renewSteps } from "./connect/renew-cluster-token.ts";
export { createMeshClient } from "./connect/mesh-client.ts";
export {
  createDeadline,
  createExtendableDeadline,
  type Deadline,
  type ExtendableDeadline,
  type Moment,
  readMoment,
} from "./deadline.ts";
export { createCoreDnsEtcdPublisher } from "./dns/coredns-etcd.ts";
export type { DnsPublisher } from "./dns/publisher.ts";
export { ProvisionerError } from "./errors.ts";
export { createKubeClient } from "./kube/client.ts";
export type { KubeClient, KubeObject, ObjectRef } from "./kube/types.ts";
export { parseKubeconfig } from "./kubeconfig/parse-kubeconfig.ts";
export { clusterLabel, managedByLabel, managedByValue, revisionLabel } from "./labels.ts";
export { type IstiodLoad, readIstiodLoads } from "./observe/read-istiod-load.ts";
export type { DiscoveryStream } from "./prove/discovery-stream.ts";
export { openRevisionStream } from "./prove/open-revision-stream.ts";
export { proveEndpoint } from "./prove/prove-endpoint.ts";
export { proveRevision } from "./prove/prove-revision.ts";
export type { Proof } from "./prove/types.ts";
export { findMeshRevisions, type MeshRequest, removeMeshOrphan } from "./revision/mesh-orphans.ts";
export { listMeshLeftovers } from "./revision/list-revision-leftovers.ts";
export { credentialRenewalSteps } from "./revision/credential-renewal.ts";
export {
  reconcileRevision,
  reconcileSteps,
  type RevisionObservation,
  type RevisionResult,
} from "./revision/reconcile-revision.ts";
export {
  type Leftover,
  removeRevision,
  removeSteps,
  type RemovalRequest,
  type RemovalResult,
} from "./revision/remove-revision.ts";
export type { RevisionRequest, RevisionStep } from "./revision/scope.ts";
export type {
  BoundToken,
  ClusterAccess,
  Condition,
  ConditionStatus,
  IstiodCluster,
  IstioVersion,
  MeshCluster,
  ProviderConfig,
  Revision,
} from "./types.ts";
