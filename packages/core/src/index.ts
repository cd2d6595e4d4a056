/** The one door of this package. */
export { connectDatabase, type Database } from "./database/connect.ts";
export { copyDatabase, type DatabaseCopy } from "./database/copy-database.ts";
export { translateOutage } from "./database/describe-error.ts";
export { type EmbeddedDatabase, startEmbeddedPostgres } from "./database/embedded-postgres.ts";
export { type DatabaseUrls, ensureDatabase, queueSchema } from "./database/ensure-database.ts";
export { DomainError } from "./errors.ts";
export {
  type Actor,
  type Answer,
  formatEtag,
  type Principal,
  type RequestContext,
  requirePlatform,
  requireTenant,
  type ServiceConfig,
} from "./request-context.ts";
export { createSealingKeys, openSecret, type SealBinding, sealSecret } from "./secrets/seal.ts";

// The verbs.
export { type AuthenticatedKey, authenticateApiKey } from "./api-keys/authenticate-api-key.ts";
export { createApiKey, createPlatformKey, createTenantApiKey } from "./api-keys/create-api-key.ts";
export { ensurePlatformKey } from "./api-keys/ensure-platform-key.ts";
export { listApiKeys, listPlatformKeys } from "./api-keys/list-api-keys.ts";
export { revokeApiKey, revokePlatformKey } from "./api-keys/revoke-api-key.ts";
export { getCatalogue } from "./catalogue/get-catalogue.ts";
export { listAuditEntries, listPlatformAuditEntries } from "./audit/list-audit-entries.ts";
export type { ChangeInput, DeleteInput } from "./catalogue/common.ts";
export {
  changeIstiodCluster,
  createIstiodCluster,
  deleteIstiodCluster,
  getIstiodCluster,
  listIstiodClusters,
} from "./catalogue/istiod-clusters.ts";
export { changeRegion, createRegion, deleteRegion, getRegion, listRegions } from "./catalogue/regions.ts";
export { changeSeed, createSeed, deleteSeed, getSeed, listSeeds } from "./catalogue/seeds.ts";
export { changeTenant, createTenant, getTenant, listTenants } from "./catalogue/tenants.ts";
export {
  changeVersionLine,
  createVersionLine,
  deleteVersionLine,
  getVersionLine,
  listVersionLines,
} from "./catalogue/version-lines.ts";
export { changeVersion, createVersion, deleteVersion, getVersion, listVersions } from "./catalogue/versions.ts";
export { connectCluster } from "./clusters/connect-cluster.ts";
export { disconnectCluster } from "./clusters/disconnect-cluster.ts";
export { getCluster } from "./clusters/get-cluster.ts";
export { listClusters } from "./clusters/list-clusters.ts";
export { retryConnection } from "./clusters/retry-connection.ts";
export { changeControlPlane } from "./control-planes/change-control-plane.ts";
export { createControlPlane } from "./control-planes/create-control-plane.ts";
export { deleteControlPlane } from "./control-planes/delete-control-plane.ts";
export { getControlPlane } from "./control-planes/get-control-plane.ts";
export { listControlPlanes } from "./control-planes/list-control-planes.ts";
export { addMember, addTenantMember } from "./members/add-member.ts";
export { changeMember, removeMember } from "./members/change-member.ts";
export { joinTenant } from "./members/join-tenant.ts";
export { getMember, listMembers } from "./members/list-members.ts";
export type { PageInput } from "./database/page.ts";
export { type EventBatch, listEvents, readEventPosition, readEventsAfter } from "./events/read-events.ts";
export { listFleetEvents, readFleetEventsAfter } from "./events/read-fleet-events.ts";
export { getFleetControlPlane, listFleetControlPlanes } from "./fleet/list-fleet-control-planes.ts";
export { getOperation } from "./operations/get-operation.ts";
export { listOperations } from "./operations/list-operations.ts";
export { previewPlacement } from "./placement/preview-placement.ts";
export { authenticateSession, type SignedIn } from "./sessions/authenticate-session.ts";
export { listSessions } from "./sessions/list-sessions.ts";
export { openSession, sessionLifetimeMs } from "./sessions/open-session.ts";
export { revokeSession } from "./sessions/revoke-session.ts";
export { acceptInvitation, findInvitation, type FoundInvitation } from "./users/accept-invitation.ts";
export { changePassword } from "./users/change-password.ts";
export { checkPassword } from "./users/check-password.ts";
export { recordRefusedSignIn, type RefusedSignIn } from "./users/record-refused-sign-in.ts";
export { createUser } from "./users/create-user.ts";
export { createJobQueue, type JobQueue } from "./queue/create-job-queue.ts";
export { listRevisions } from "./revisions/list-revisions.ts";
export { getUsage } from "./usage/get-usage.ts";
export { getWork } from "./work/get-work.ts";

// What the worker works with: leases, desired state by id, and write-backs that are guarded by a lease.
export { boundWaits } from "./work/bound-waits.ts";
export { claimWork } from "./work/claim-work.ts";
export { findDatabaseCode } from "./work/find-database-code.ts";
export { findMissedWork } from "./work/find-missed-work.ts";
export { isDatabaseError } from "./work/is-database-error.ts";
export { type Lease, leaseMs, nameWork, type WorkKey } from "./work/lease.ts";
export {
  type DueWork,
  type DueWorkQuery,
  listDueWork,
  measureDueWork,
  operationLimitMs,
} from "./work/list-due-work.ts";
export { dropWork, releaseWork } from "./work/release-work.ts";
export { renewLeases } from "./work/renew-leases.ts";
export { wakeShard } from "./work/wake-shard.ts";
export {
  findOwnClusters,
  findUnwantedRevisions,
  loadIstiodClusters,
  saveIstiodClusterHealth,
} from "./observe/istiod-clusters.ts";
export { type ClusterWork, loadCluster, type StoredMesh } from "./observe/load-cluster.ts";
export {
  listWatchStamps,
  loadRevision,
  type RevisionWork,
  type StoredIstiodCluster,
  type WatchStamp,
} from "./observe/load-revision.ts";
export type { ObservedCondition, StoredCondition } from "./observe/merge-condition.ts";
export { beginOperation, type LiveOperation, saveOperationStep } from "./observe/operations.ts";
export { eraseExpired, eraseExpiredSecrets, eraseOldEvents } from "./observe/retention.ts";
export {
  type ClusterConnection,
  type ClusterSighting,
  saveClusterSighting,
  saveClusterToken,
  saveConnection,
} from "./observe/save-cluster.ts";
export {
  endWatch,
  finishDisconnect,
  finishRevisionRemoval,
  type RemovalOutcome,
  saveRemovalProgress,
} from "./observe/save-removal.ts";
export { type RevisionSighting, saveRevisionSighting, saveSentinelSighting } from "./observe/save-revision.ts";
export type { SealedText } from "./observe/sealed-text.ts";
export {
  countOlderSeals,
  findSealingKey,
  listSealedTo,
  registerSealingKeys,
  replaceSeal,
  retireSealingKeys,
} from "./observe/sealing-keys.ts";
export {
  eraseOldSamples,
  forgetProxies,
  type IstiodLoad,
  removeWorkerReport,
  sampleUsage,
  saveIstiodLoads,
  saveWorkerReport,
} from "./observe/usage.ts";
export type { StoredVersion } from "./observe/stored-version.ts";
