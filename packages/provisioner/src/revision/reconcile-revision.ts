import { ProvisionerError } from "../errors.ts";
import { helmSettings } from "../istio/helm-template.ts";
import { renderIstiod, type RenderedIstiod } from "../istio/render-istiod.ts";
import { renderIsolation } from "../istio/render-isolation.ts";
import { clusterLabel, revisionLabel } from "../labels.ts";
import { pickFailure } from "../prove/pick-failure.ts";
import { proveRevision } from "../prove/prove-revision.ts";
import type { Proof } from "../prove/types.ts";
import type { Condition } from "../types.ts";
import { ensureCredential } from "./credential.ts";
import { ensureCustomResources } from "./custom-resources.ts";
import { findApiServer } from "./find-api-server.ts";
import { applyWithInventory } from "./inventory.ts";
import { createRenderCache } from "../istio/render-cache.ts";
import { untilAborted } from "../until-aborted.ts";
import { checkRollout } from "./rollout.ts";
import {
  describeFailure,
  type PhaseResult,
  type RevisionRequest,
  type RevisionScope,
  withRevisionScope,
} from "./scope.ts";
import { ensureWebhooks, readWebhookState, proveBeforeWebhooks } from "./webhooks.ts";

/**
 * Every step after which `onStep` is called, in about the order in which they are taken; the first ones overlap. A reconcile that
 * renews istiod's token takes those of `credentialRenewalSteps` in place of `identityGranted` and `credentialWritten`.
 */
export const reconcileSteps = [
  "isolationApplied",
  "customResourcesApplied",
  "identityGranted",
  "credentialWritten",
  "istiodApplied",
  "rolledOut",
  "recordPublished",
  "endpointProven",
  "webhooksTried",
  "webhooksInstalled",
  "proven",
] as const;

const conditionOrder = [
  "Isolated",
  "CustomResourcesServed",
  "CredentialValid",
  "IstiodAvailable",
  "EndpointPublished",
  "EndpointProven",
  "WebhooksInstalled",
  "Proven",
];

/** What a reconcile saw, beyond its conditions. */
export interface RevisionObservation {
  hostname: string;
  namespace: string;
  configHash?: string;
  /** Life of istiod's token for the mesh cluster; not the token. */
  credential?: { issuedAt: string; expiresAt: string };
  proofs: Proof[];
}

/** The answer of a reconcile: what is the case, and when to look again. */
export interface RevisionResult {
  conditions: Condition[];
  observed: RevisionObservation;
  requeueAfterMs: number;
}

/** How often a revision that is Ready is looked at again when nothing else asks for it, in milliseconds. */
const resyncMs = 600_000;

const istiodRenders = createRenderCache<RenderedIstiod>(64);

/**
 * Makes both clusters look like the revision that is wished, as far as they can at this moment. The same function creates, changes
 * and repairs; it waits for nothing and can be ended at any point and run again. What fails is in the conditions; only faults of
 * the request itself are thrown.
 * @throws ProvisionerError of kind `user` when the request contradicts itself
 */
export async function reconcileRevision(request: RevisionRequest): Promise<RevisionResult> {
  return withRevisionScope(request, reconcileInScope);
}

async function reconcileInScope(scope: RevisionScope): Promise<RevisionResult> {
  const results: PhaseResult[] = [];
  const observed: RevisionObservation = { hostname: scope.hostname, namespace: scope.revision.id, proofs: [] };
  /** Runs a phase unless one before it blocks, and keeps what it says. */
  const run = async (type: string, phase: () => Promise<PhaseResult>): Promise<boolean> => {
    const result = await phase().catch((error: unknown) => describeFailure(type, error));
    results.push(result);
    return result.blocks !== true;
  };
  await runPhases(scope, observed, run);
  // Phases overlap; what they say does not depend on which was faster.
  results.sort((a, b) => conditionOrder.indexOf(a.condition.type) - conditionOrder.indexOf(b.condition.type));
  return {
    conditions: [...results.map((result) => result.condition), summarize(results, observed)],
    observed,
    requeueAfterMs: nextLookMs(results),
  };
}

async function runPhases(
  scope: RevisionScope,
  observed: RevisionObservation,
  run: (type: string, phase: () => Promise<PhaseResult>) => Promise<boolean>,
): Promise<void> {
  const { revision, mesh, provider } = scope;
  const rendered = istiodRenders({ revision, provider, mesh: { ...mesh, token: undefined } }, () =>
    renderIstiod(
      { revision, provider, mesh, options: { plainEnvoy: provider.plainEnvoy ?? false } },
      helmSettings(provider),
    ),
  );
  // Others may wait for the same rendering: it goes on, and this run ends in time.
  const rendering = untilAborted(rendered, scope.signal, () => {
    const message = `This run ended before istiod ${revision.version.version} was rendered. The next run goes on from here.`;
    return new ProvisionerError("transient", "Aborted", message);
  });
  // A rendering that fails is reported by the phase that needs it.
  rendering.catch(() => undefined);
  const serving = run("CustomResourcesServed", () => ensureCustomResources(scope));
  const [isServed, isPrepared] = await Promise.all([serving, prepareIstiod(scope, observed, run)]);
  // istiod that starts before its definitions finds them seconds after they are there.
  if (!isServed || !isPrepared) return;
  const isAvailable = await run("IstiodAvailable", async () => {
    const { istiodCluster, configHash } = await rendering;
    observed.configHash = configHash;
    await applyWithInventory(scope, istiodCluster);
    scope.step("istiodApplied");
    return checkRollout(scope, configHash);
  });
  if (!isAvailable) return;
  scope.step("rolledOut");
  // The name leads to this istiod cluster only when istiod runs there: it may have led to another one until now.
  const isPublished = await run("EndpointPublished", async () => {
    await scope.dns.publish(scope.hostname, scope.istiodCluster.edgeAddresses, scope.deadline);
    scope.step("recordPublished");
    const message = `${scope.hostname} leads to the edge of istiod cluster ${scope.istiodCluster.name}.`;
    return { condition: { type: "EndpointPublished", status: "True", reason: "Published", message } };
  });
  if (isPublished) await connectMesh(scope, observed, await rendering, run);
}

/** The namespace, the identity and the token: what istiod starts with. */
async function prepareIstiod(
  scope: RevisionScope,
  observed: RevisionObservation,
  run: (type: string, phase: () => Promise<PhaseResult>) => Promise<boolean>,
): Promise<boolean> {
  const isIsolated = await run("Isolated", async () => {
    const objects = renderIsolation(scope.revision, scope.mesh, await findApiServer(scope), {
      edgeCidrs:
        scope.istiodCluster.edgeSourceRanges ??
        scope.istiodCluster.edgeAddresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`),
    });
    await assertNamespaceOurs(scope);
    // The namespace holds all others.
    const [namespace, ...rest] = objects;
    if (namespace !== undefined) await scope.istiodClient.apply(namespace);
    await Promise.all(rest.map((object) => scope.istiodClient.apply(object)));
    scope.step("isolationApplied");
    const message = `Namespace ${scope.revision.id} with its quota, limits and network policies is in place.`;
    return { condition: { type: "Isolated", status: "True", reason: "Applied", message } };
  });
  if (!isIsolated) return false;
  return run("CredentialValid", async () => {
    const { result, record } = await ensureCredential(scope);
    if (record !== undefined) observed.credential = { issuedAt: record.issuedAt, expiresAt: record.expiresAt };
    return result;
  });
}

async function connectMesh(
  scope: RevisionScope,
  observed: RevisionObservation,
  rendered: RenderedIstiod,
  run: (type: string, phase: () => Promise<PhaseResult>) => Promise<boolean>,
): Promise<void> {
  const { meshCluster } = rendered;
  let caBundle: string | undefined;
  const isInstalled = await run("WebhooksInstalled", async () => {
    const state = await readWebhookState(scope, meshCluster);
    if (state.isUnproven) {
      const proven = await proveBeforeWebhooks(scope);
      if (proven.caBundle === undefined) return proven.result;
      ({ caBundle } = proven);
      scope.step("endpointProven");
    }
    const result = await ensureWebhooks(scope, meshCluster, state, caBundle);
    if (result.blocks !== true) scope.step("webhooksInstalled");
    return result;
  });
  if (!isInstalled) return;
  await run("Proven", async () => {
    const { proofs } = await proveRevision({
      meshClient: scope.meshClient,
      revision: { id: scope.revision.id, hostname: scope.hostname, version: scope.revision.version.version },
      provider: scope.provider,
      signal: scope.signal,
    });
    observed.proofs = proofs;
    const failed = pickFailure(proofs);
    if (failed === undefined) {
      scope.step("proven");
      const message = "Webhooks, certificates and discovery work through the public edge.";
      return { condition: { type: "Proven", status: "True", reason: "Proven", message } };
    }
    return {
      condition: {
        type: "Proven",
        status: failed.verdict === "unknown" ? "Unknown" : "False",
        reason: failed.reason ?? "NotProven",
        message: failed.message,
      },
      requeueAfterMs: failed.waitable ? 250 : 5_000,
    };
  });
}

/**
 * A namespace of that name that is not this revision's is left as it is: applied over it would count as the revision's, and a removal
 * would take it away with all that is in it.
 */
async function assertNamespaceOurs(scope: RevisionScope): Promise<void> {
  const { istiodClient, istiodCluster, mesh, revision } = scope;
  const found = await istiodClient.get({ apiVersion: "v1", kind: "Namespace", name: revision.id });
  if (found === undefined) return;
  const { deletionTimestamp, labels } = found.metadata;
  if (labels?.[revisionLabel] !== revision.id || labels[clusterLabel] !== mesh.id) {
    throw new ProvisionerError(
      "user",
      "NamespaceTaken",
      `Istiod cluster ${istiodCluster.name} has a namespace ${revision.id} already that is not this revision's (labels ${revisionLabel} and ${clusterLabel}). Give the revision another id.`,
      { parameter: "revision.id" },
    );
  }
  if (deletionTimestamp === undefined) return;
  throw new ProvisionerError(
    "notReady",
    "NamespaceEnding",
    `Namespace ${revision.id} of istiod cluster ${istiodCluster.name} is just being removed. The revision is made anew when it is gone.`,
  );
}

/** Ready is proven, by this run and not by an earlier one. The first thing that is not as wished is the reason. */
function summarize(results: PhaseResult[], observed: RevisionObservation): Condition {
  const type = "Ready";
  const worst =
    results.find((result) => result.condition.status === "False") ??
    results.find((result) => result.condition.status === "Unknown");
  if (worst !== undefined) {
    const { status, reason, message } = worst.condition;
    return { type, status, reason, message };
  }
  if (observed.proofs.length === 0)
    throw new ProvisionerError("unknown", "NotProven", "A reconcile ended without a failure and without a proof.");
  return {
    type,
    status: "True",
    reason: "Proven",
    message: `Revision ${observed.namespace} serves its mesh through ${observed.hostname}.`,
  };
}

function nextLookMs(results: PhaseResult[]): number {
  return Math.min(resyncMs, ...results.map((result) => result.requeueAfterMs ?? resyncMs));
}
