import type { Operation, OperationKind } from "@pilothouse/contract";
import type { Step } from "#ui/steps.tsx";

/** Steps of each kind of operation in their order, in words. Those of the provisioner that a tenant would not miss are left out. */
const stepWords: Record<OperationKind, readonly (readonly [name: string, label: string])[]> = {
  "cluster.connect": [
    ["namespacesCreated", "Namespaces for Pilothouse's identities"],
    ["rolesCreated", "Roles with the rights that are needed, and no others"],
    ["identitiesCreated", "Identities of Pilothouse and of its probe"],
    ["tokenIssued", "A short-lived token, bound to a Secret"],
    ["identityVerified", "The token works; the kubeconfig is needed no more"],
  ],
  "cluster.disconnect": [
    ["customResourcesRemoved", "What was asked for of Istio's definitions"],
    ["systemNamespaceSettled", "Namespace istio-system looked through"],
    ["anchorRemoved", "Roles and bindings removed"],
    ["identityGone", "Pilothouse can't log in any more"],
  ],
  "control-plane.create": [
    ["isolationApplied", "A namespace of its own, with quota, limits and network policies"],
    ["customResourcesApplied", "Istio's definitions in your cluster"],
    ["identityGranted", "An identity for istiod in your cluster"],
    ["credentialWritten", "A short-lived token for it"],
    ["istiodApplied", "istiod is installed"],
    ["rolledOut", "istiod is ready"],
    ["recordPublished", "Its name leads to the edge"],
    ["endpointProven", "Edge, certificates and discovery proven, before any webhook exists"],
    ["webhooksInstalled", "Webhooks proven for the probe's namespace, then opened for all"],
    ["proven", "Everything proven through the public path"],
  ],
  "control-plane.change": [
    ["istiodApplied", "istiod is changed"],
    ["rolledOut", "The new istiod is ready, the old one gone"],
    ["proven", "Everything proven through the public path"],
  ],
  "control-plane.delete": [
    ["webhooksRemoved", "Webhooks removed first, so that nothing waits for them"],
    ["recordWithdrawn", "Its name is withdrawn"],
    ["istiodRemoved", "istiod has ended"],
    ["identityRemoved", "Its identity in your cluster is gone"],
    ["leftoversRemoved", "What istiod left in your cluster is gone"],
    ["namespaceRemoved", "Its namespace is gone"],
  ],
};

function formatTook(ms: number): string {
  if (ms < 50) return "< 0.1 s";
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * The steps of an operation as they stand: done with the time each took, one under way, the others waiting.
 * @param nowMs the time by which the one under way is measured
 */
export function describeSteps(operation: Operation, nowMs: number): Step[] {
  const done = new Map(operation.steps.map(({ name, finishedAt }) => [name, finishedAt]));
  const known = stepWords[operation.kind];
  const last = known.findLastIndex(([name]) => done.has(name));
  let beforeMs = Date.parse(operation.startedAt ?? operation.createdAt);
  return known.map(([name, label], index): Step => {
    const at = done.get(name);
    if (at !== undefined) {
      const tookMs = Math.max(0, Date.parse(at) - beforeMs);
      beforeMs = Math.max(beforeMs, Date.parse(at));
      return { name, label, state: "done", aside: formatTook(tookMs) };
    }
    // Steps overlap, and some are not needed: what comes before a step that is done is not waited for.
    if (index < last) return { name, label, state: "done", aside: "" };
    if (operation.state === "failed" && index === last + 1) return { name, label, state: "failed" };
    if (operation.state === "succeeded") return { name, label, state: "done", aside: "" };
    if (operation.state === "running" && index === last + 1)
      return { name, label, state: "running", aside: formatTook(Math.max(0, nowMs - beforeMs)) };
    return { name, label, state: "waiting" };
  });
}
