import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Deadline } from "../deadline.ts";
import { ProvisionerError } from "../errors.ts";
import { assertTokenLifetime, createBoundToken } from "../kube/bound-token.ts";
import { createKubeClient } from "../kube/client.ts";
import type { CallRecord } from "../kube/transport.ts";
import type { KubeClient } from "../kube/types.ts";
import { createServerAddressCheck } from "../kubeconfig/check-server-address.ts";
import { parseKubeconfig } from "../kubeconfig/parse-kubeconfig.ts";
import { labelsForCluster } from "../labels.ts";
import { probeNamespace } from "../prove/types.ts";
import { identityNamespace } from "../revision/identity.ts";
import type { BoundToken, ClusterAccess, Condition, IstioVersion, MeshCluster, ProviderConfig } from "../types.ts";
import type { GrantedRights } from "./check-rights.ts";
import { checkRights, isAllowed, listNeededRights, nameRights } from "./check-rights.ts";
import { clusterNames } from "./cluster-names.ts";
import type { ClusterInspection } from "./inspect-cluster.ts";
import { inspectCluster } from "./inspect-cluster.ts";
import { installAnchor, withdrawInstall } from "./install-anchor.ts";
import { renderLineRights } from "./line-rights.ts";
import { createMeshClient } from "./mesh-client.ts";
import type { ObjectPlan } from "./plan-objects.ts";
import { listPlanned, planObjects } from "./plan-objects.ts";
import type { KubernetesRange } from "./reach-server.ts";
import { readClusterUid, reachServer } from "./reach-server.ts";
import { helmSettings } from "../istio/helm-template.ts";

/** Every step after which `onStep` is called, in order. Nothing is created before the first. */
export const connectSteps = [
  "namespacesCreated",
  "rolesCreated",
  "identitiesCreated",
  "tokenIssued",
  "identityVerified",
] as const;

export type ConnectStep = (typeof connectSteps)[number];

export interface ConnectRequest {
  /** Of the mesh cluster, for labels: 1 to 63 letters, digits, `-`, `_` or `.`. */
  id: string;
  /** Its text. Needed for this call only. */
  kubeconfig: string;
  provider: ProviderConfig;
  /** Those whose lines can be provisioned later. For a line that comes later, the cluster is connected again. */
  versions: IstioVersion[];
  /** Nothing is written after it. */
  deadline: Deadline;
  signal?: AbortSignal;
  /** Of Pilothouse's own token; a day when absent, which is the most that managed Kubernetes grants. */
  tokenLifetimeSeconds?: number;
  kubernetesRange?: KubernetesRange;
  onStep?: (step: ConnectStep) => void;
  log?: (record: CallRecord) => void;
}

export interface ConnectReport extends ClusterInspection {
  server: string;
  /** As the server writes it, such as `v1.34.4`. */
  kubernetesVersion: string;
  /** UID of the namespace kube-system. */
  clusterUid: string;
  /** Who the kubeconfig logs in as, and what it may do of what connecting needs. */
  granted: GrantedRights;
  /** Lines that can be provisioned. */
  lines: string[];
}

export interface ConnectResult {
  cluster: MeshCluster;
  conditions: Condition[];
  report: ConnectReport;
}

const defaultTokenLifetimeSeconds = 24 * 60 * 60;

/** An API server takes up new roles and bindings within a second; one of several may need longer. */
const verifyTries = 200;
const verifyIntervalMs = 50;

/**
 * Connects a mesh cluster: checks a kubeconfig and the cluster it leads to, and installs there the identities that Pilothouse and
 * istiods of the given lines act with. When a check fails nothing has been created; when a first connection is refused while it is installed, what was
 * installed is removed again, but for namespace istio-system. The same call repairs a connection, adds lines to it, and goes on after an interruption;
 * it revokes the token that an earlier one returned.
 *
 * @returns the cluster with a token of Pilothouse's own identity, what was checked, and what was seen
 * @throws ProvisionerError of `parseKubeconfig`, `createServerAddressCheck`, `reachServer`, `inspectCluster` and `renderLineRights`,
 *   and InvalidName, NoVersions, TokenLifetimeTooShort, RightsMissing (all kind user), IdentityNotEffective (notReady)
 */
export async function connectCluster(request: ConnectRequest): Promise<ConnectResult> {
  assertRequest(request);
  const { access, parameters } = parseKubeconfig(request.kubeconfig);
  const { deadline, log, provider } = request;
  const signal = AbortSignal.any([deadline.signal, ...(request.signal === undefined ? [] : [request.signal])]);
  const client = createKubeClient(access, {
    deadline,
    signal,
    checkAddress: createServerAddressCheck(provider),
    ...(log === undefined ? {} : { log }),
  });
  try {
    const kubernetesVersion = await reachServer(client, parameters, request.kubernetesRange);
    const lineRights = await renderLineRights(request.versions, { ...helmSettings(provider), signal });
    const plan = planObjects(request.id, lineRights, { anchorUid: randomUUID(), ownsSystemNamespace: true });
    const granted = await checkRights(client, listNeededRights(plan));
    assertGranted(client.server, granted, parameters.credential);
    const clusterUid = await readClusterUid(client);
    const inspection = await inspectCluster(client, request.id, plan);
    const ownsSystemNamespace = inspection.systemNamespace !== "tenant";
    await tryInstall(client, planObjects(request.id, lineRights, { anchorUid: randomUUID(), ownsSystemNamespace }));

    const anchor = await installAnchor(client, plan.anchor, inspection);
    const cluster = await install(client, request, access, {
      plan: planObjects(request.id, lineRights, { anchorUid: anchor.uid, ownsSystemNamespace }),
      clusterUid,
      signal,
    }).catch(async (error: unknown) => {
      throw anchor.isNew ? await withdrawInstall(client, anchor.uid, inspection, error) : error;
    });
    const lines = lineRights.lines.map(({ line }) => line);
    const report = { server: access.server, kubernetesVersion, clusterUid, ...inspection, granted, lines };
    return { cluster, report, conditions: describeConnection(report) };
  } finally {
    await client.close();
  }
}

function assertRequest({ id, versions, tokenLifetimeSeconds }: ConnectRequest): void {
  assertTokenLifetime(tokenLifetimeSeconds ?? defaultTokenLifetimeSeconds);
  if (!/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(id)) {
    throw new ProvisionerError(
      "user",
      "InvalidName",
      `The cluster's id becomes a Kubernetes label: 1 to 63 letters, digits, "-", "_" or ".", with a letter or digit at both ends.`,
      { parameter: "id" },
    );
  }
  if (versions.length > 0) return;
  throw new ProvisionerError(
    "user",
    "NoVersions",
    "Name at least one Istio version that may be provisioned in the cluster.",
    {
      parameter: "versions",
    },
  );
}

function assertGranted(server: string, granted: GrantedRights, parameter: string): void {
  const missing = granted.needed.filter(({ allowed }) => !allowed);
  if (missing.length === 0) return;
  throw new ProvisionerError(
    "user",
    "RightsMissing",
    `${granted.user || "The kubeconfig's user"} lacks rights at ${server} that connecting needs: ${nameRights(missing)}. Grant them, or use a kubeconfig of a cluster administrator.`,
    { parameter },
  );
}

/** Lets the API server and its admission judge everything that can be judged before its namespace exists. */
async function tryInstall(client: KubeClient, plan: ObjectPlan): Promise<void> {
  const judged = [plan.anchor, ...listPlanned(plan)].filter(({ metadata }) => metadata.namespace === undefined);
  await Promise.all(judged.map((object) => client.apply(object, { dryRun: true })));
}

async function install(
  client: KubeClient,
  request: ConnectRequest,
  access: ClusterAccess,
  { plan, clusterUid, signal }: { plan: ObjectPlan; clusterUid: string; signal: AbortSignal },
): Promise<MeshCluster> {
  const steps: [ConnectStep, ObjectPlan["roles"]][] = [
    ["namespacesCreated", plan.namespaces],
    ["rolesCreated", plan.roles],
    ["identitiesCreated", plan.identities],
  ];
  for (const [step, objects] of steps) {
    await Promise.all(objects.map((object) => client.apply(object)));
    request.onStep?.(step);
  }
  const token = await createBoundToken(client, {
    namespace: identityNamespace,
    serviceAccount: clusterNames.pilothouse,
    secretName: clusterNames.tokenSecret("a"),
    labels: labelsForCluster(request.id),
    lifetimeSeconds: request.tokenLifetimeSeconds ?? defaultTokenLifetimeSeconds,
    // Whoever connects again may do so because the token has leaked.
    revokeEarlier: true,
  });
  request.onStep?.("tokenIssued");
  const cluster = createMeshCluster(request.id, access, clusterUid, token);
  await verifyIdentity(cluster, request, signal);
  request.onStep?.("identityVerified");
  return cluster;
}

function createMeshCluster(id: string, access: ClusterAccess, clusterUid: string, token: BoundToken): MeshCluster {
  const { server, certificateAuthority, tlsServerName } = access;
  return {
    id,
    server,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    clusterUid,
    token,
  };
}

/** Uses the new identity until the API server has taken up all its rights. */
async function verifyIdentity(cluster: MeshCluster, request: ConnectRequest, signal: AbortSignal): Promise<void> {
  const { deadline, log, provider } = request;
  const client = createMeshClient(cluster, provider, { deadline, signal, ...(log === undefined ? {} : { log }) });
  const rights = [
    { verb: "create", group: "", resource: "pods", namespace: probeNamespace },
    { verb: "create", group: "", resource: "secrets", namespace: identityNamespace },
    { verb: "patch", group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" },
  ];
  try {
    for (let tries = 0; tries < verifyTries; tries += 1) {
      try {
        const answers = await Promise.all(rights.map((right) => isAllowed(client, right)));
        if (answers.every(Boolean) && (await readClusterUid(client)) === cluster.clusterUid) return;
      } catch (error) {
        if (!(error instanceof ProvisionerError) || !["Unauthorized", "Forbidden"].includes(error.code)) throw error;
      }
      // When it is aborted the next call says why.
      await sleep(verifyIntervalMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await client.close();
  }
  throw new ProvisionerError(
    "notReady",
    "IdentityNotEffective",
    `Pilothouse's identity was installed at ${cluster.server}, but the API server doesn't grant it its rights yet. Connect again; if this lasts, look whether another authorizer or policy overrules RBAC.`,
  );
}

function describeConnection(report: ConnectReport): Condition[] {
  const { granted, istioGroups, kubernetesVersion, server, systemNamespace } = report;
  const condition = (type: string, reason: string, message: string): Condition => ({
    type,
    status: "True",
    reason,
    message,
  });
  const definitions = istioGroups.length > 0 ? "; CustomResourceDefinitions of an earlier one are there" : "";
  const tenant = systemNamespace === "tenant" ? "; its namespace istio-system stays the tenant's" : "";
  return [
    condition("ServerReachable", "Answered", `${server} runs Kubernetes ${kubernetesVersion}.`),
    condition(
      "RightsSufficient",
      granted.isUnlimited ? "Unlimited" : "AllNeeded",
      `The kubeconfig logs in as ${granted.user}, who may do ${granted.isUnlimited ? "everything" : "all that connecting needs"}.`,
    ),
    condition("IstioAbsent", "NotFound", `No Istio runs in the cluster${definitions}${tenant}.`),
    condition(
      "Connected",
      "IdentitiesInstalled",
      `Istio ${report.lines.join(" and ")} can be provisioned. The kubeconfig isn't needed any more.`,
    ),
  ];
}
