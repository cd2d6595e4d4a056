import type { ServedKind } from "./discovery.ts";

const group = (root: string, namespaced: boolean, kinds: Record<string, string>) =>
  Object.entries(kinds).map(([kind, resource]): readonly [string, ServedKind] => [
    `${root.replace(/^\/apis?\//, "")} ${kind}`,
    { root, resource, namespaced },
  ]);

/**
 * Kinds that are the same in every Kubernetes from 1.28 on: of generally available API versions, which a Kubernetes 1.x keeps
 * (https://kubernetes.io/docs/reference/using-api/deprecation-policy/). A server need not be asked where it serves them, which would
 * be a tenth of all calls.
 */
const builtIn: ReadonlyMap<string, ServedKind> = new Map([
  ...group("/api/v1", false, { Namespace: "namespaces" }),
  ...group("/api/v1", true, {
    ConfigMap: "configmaps",
    LimitRange: "limitranges",
    Pod: "pods",
    ResourceQuota: "resourcequotas",
    Secret: "secrets",
    Service: "services",
    ServiceAccount: "serviceaccounts",
  }),
  ...group("/apis/apps/v1", true, { DaemonSet: "daemonsets", Deployment: "deployments", StatefulSet: "statefulsets" }),
  ...group("/apis/coordination.k8s.io/v1", true, { Lease: "leases" }),
  ...group("/apis/networking.k8s.io/v1", true, { NetworkPolicy: "networkpolicies" }),
  ...group("/apis/policy/v1", true, { PodDisruptionBudget: "poddisruptionbudgets" }),
  ...group("/apis/rbac.authorization.k8s.io/v1", true, { Role: "roles", RoleBinding: "rolebindings" }),
  ...group("/apis/rbac.authorization.k8s.io/v1", false, {
    ClusterRole: "clusterroles",
    ClusterRoleBinding: "clusterrolebindings",
  }),
  ...group("/apis/apiextensions.k8s.io/v1", false, { CustomResourceDefinition: "customresourcedefinitions" }),
  ...group("/apis/admissionregistration.k8s.io/v1", false, {
    MutatingWebhookConfiguration: "mutatingwebhookconfigurations",
    ValidatingWebhookConfiguration: "validatingwebhookconfigurations",
  }),
]);

/** Where a built-in kind is served; undefined for all others. */
export const findBuiltIn = ({ apiVersion, kind }: { apiVersion: string; kind: string }): ServedKind | undefined =>
  builtIn.get(`${apiVersion} ${kind}`);

/**
 * Kinds of Istio that all its versions serve so, once their definitions are there: the call itself tells whether they are. Its answer is looked up when
 * the server refuses it as unknown.
 */
const expected: ReadonlyMap<string, ServedKind> = new Map(
  group("/apis/networking.istio.io/v1beta1", true, { VirtualService: "virtualservices" }),
);

/** Where a kind of a definition is served if it is; undefined for kinds that nothing is known of. */
export const findExpected = ({ apiVersion, kind }: { apiVersion: string; kind: string }): ServedKind | undefined =>
  expected.get(`${apiVersion} ${kind}`);
