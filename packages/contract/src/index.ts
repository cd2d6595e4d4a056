/** The one door of this package. */
// Before any schema is made.
import "./without-eval.ts";

export {
  addressOf,
  type CallInput,
  type CallResult,
  type Client,
  type ClientOptions,
  createClient,
  fillPath,
} from "./client.ts";
export { ConnectionError, EventsErasedError, ProblemError } from "./client-errors.ts";
export {
  type AnyOperation,
  defineOperation,
  listProblems,
  type Method,
  type OperationDefinition,
  type OperationInput,
  type ResponseDefinition,
  type Scope,
  type SuccessBody,
  type SuccessStatus,
} from "./define-operation.ts";
export {
  type EventNotice,
  eventNoticeSchema,
  eventsChannel,
  type FleetEventNotice,
  fleetEventNoticeSchema,
  keysChannel,
  type StreamEnd,
  streamEndSchema,
  streamEndType,
  type StreamReset,
  streamResetType,
} from "./events.ts";
export { type Job, jobKey, jobSchema, queueName, type WorkKind } from "./jobs.ts";
/** Every operation by its id. */
export * as operations from "./operations/index.ts";
export { allOperations, apiPrefix, createOpenApiDocument, idempotencyKeySchema, ifMatchSchema } from "./openapi.ts";
export {
  isProblemCode,
  type Problem,
  type ProblemCode,
  problemMediaType,
  problems,
  problemSchema,
  problemType,
} from "./problems.ts";
export {
  type ApiKey,
  apiKeySchema,
  type CreateApiKeyBody,
  type CreatePlatformKeyBody,
  hasRole,
  type KeyRole,
  keyRoleSchema,
  type NewApiKey,
  newApiKeySchema,
  type TenantRole,
  tenantRoles,
  tenantRoleSchema,
} from "./resources/api-key.ts";
export { type AuditEntry, auditEntrySchema } from "./resources/audit-entry.ts";
export { type Catalogue, catalogueSchema } from "./resources/catalogue.ts";
export {
  type Cluster,
  type ClusterKind,
  type ClusterPhase,
  clusterSchema,
  type ConnectClusterBody,
  type RetryConnectionBody,
} from "./resources/cluster.ts";
export {
  type Capacity,
  type Condition,
  conditionSchema,
  lineNameSchema,
  nameSchema,
  type Page,
  type PageQuery,
  mostOfPage,
  mostWanted,
  pageQuerySchema,
  versionNameSchema,
} from "./resources/common.ts";
export {
  type ChangeControlPlaneBody,
  type ControlPlane,
  type ControlPlanePhase,
  controlPlaneSchema,
  type CreateControlPlaneBody,
} from "./resources/control-plane.ts";
export { eventIdSchema, type TenantEvent, tenantEventSchema } from "./resources/event.ts";
export {
  type FleetControlPlane,
  fleetControlPlaneSchema,
  type FleetEvent,
  fleetEventSchema,
  type PlacedControlPlane,
  placedControlPlaneSchema,
} from "./resources/fleet.ts";
export {
  type ChangeIstiodClusterBody,
  type CreateIstiodClusterBody,
  type IstiodCluster,
  istiodClusterSchema,
} from "./resources/istiod-cluster.ts";
export {
  type AddMemberBody,
  type ChangeMemberBody,
  type JoinedTenant,
  joinedTenantSchema,
  type Member,
  memberSchema,
  type NewMember,
} from "./resources/member.ts";
export {
  type Accepted,
  type Operation,
  type OperationKind,
  operationSchema,
  type OperationState,
} from "./resources/operation.ts";
export {
  type Placement,
  type PlacementPreview,
  placementSchema,
  type PreviewPlacementBody,
} from "./resources/placement.ts";
export { type ChangeRegionBody, type CreateRegionBody, type Region, regionSchema } from "./resources/region.ts";
export {
  type Proof,
  proofSchema,
  type ProofSighting,
  proofSightingSchema,
  type Revision,
  revisionSchema,
} from "./resources/revision.ts";
export { type ChangeSeedBody, type CreateSeedBody, type Seed, seedSchema } from "./resources/seed.ts";
export { type Setup, type SetupStep, setupSchema } from "./resources/setup.ts";
export {
  type ChangeTenantBody,
  type CreateTenantBody,
  type Quota,
  type Tenant,
  type TenantAmounts,
  tenantSchema,
} from "./resources/tenant.ts";
export { type Usage, type UsagePoint, type UsageQuery, usageRetentionHours, usageSchema } from "./resources/usage.ts";
export {
  type CreateUserBody,
  emailSchema,
  type Invitation,
  type NewUser,
  type Session,
  type User,
  userSchema,
  type WhoAmI,
} from "./resources/user.ts";
export {
  type ChangeVersionLineBody,
  type CreateVersionLineBody,
  type LineState,
  type VersionLine,
  versionLineSchema,
} from "./resources/version-line.ts";
export {
  type ChangeVersionBody,
  chartsSchema,
  type CreateVersionBody,
  imageSchema,
  type Version,
  versionSchema,
  type VersionState,
} from "./resources/version.ts";
export {
  type Work,
  type Worker,
  type WorkerReport,
  workerReportSchema,
  type WorkItem,
  workSchema,
} from "./resources/work.ts";
export { type WatchedEvent, watchEvents, type WatchOptions } from "./watch-events.ts";
