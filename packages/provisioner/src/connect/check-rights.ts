import { istioSystem } from "../istio/names.ts";
import { fieldAt, stringAt } from "../kube/field-at.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { identityNamespace } from "../revision/identity.ts";
import { clusterNames } from "./cluster-names.ts";
import type { ObjectPlan } from "./plan-objects.ts";
import { listPlanned } from "./plan-objects.ts";

/** One right, as SelfSubjectAccessReview asks for it. */
export interface Right {
  verb: string;
  group: string;
  /** Plural, with a subresource after a slash where there is one. */
  resource: string;
  namespace?: string;
  name?: string;
}

/** Who a credential is, and what it may do of what connecting needs. */
export interface GrantedRights {
  user: string;
  groups: string[];
  /** It may do everything. */
  isUnlimited: boolean;
  needed: (Right & { allowed: boolean })[];
}

const concurrency = 8;

/** Resources of the kinds that connecting installs. */
const resources: Record<string, { group: string; resource: string }> = {
  Namespace: { group: "", resource: "namespaces" },
  ServiceAccount: { group: "", resource: "serviceaccounts" },
  ClusterRole: { group: "rbac.authorization.k8s.io", resource: "clusterroles" },
  ClusterRoleBinding: { group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" },
  Role: { group: "rbac.authorization.k8s.io", resource: "roles" },
  RoleBinding: { group: "rbac.authorization.k8s.io", resource: "rolebindings" },
};

/**
 * Everything that connecting asks the API server for: looking for an Istio that runs already, installing the plan's objects (which
 * takes `escalate` and `bind`, since they give rights), and asking for Pilothouse's token.
 */
export function listNeededRights(plan: ObjectPlan): Right[] {
  const webhooks = { verb: "list", group: "admissionregistration.k8s.io" };
  const secret = { group: "", resource: "secrets", namespace: identityNamespace };
  return [
    { verb: "list", group: "apps", resource: "deployments" },
    { ...webhooks, resource: "mutatingwebhookconfigurations" },
    { ...webhooks, resource: "validatingwebhookconfigurations" },
    { verb: "get", group: "", resource: "namespaces", name: "kube-system" },
    { verb: "get", group: "", resource: "namespaces", name: istioSystem },
    ...[plan.anchor, ...listPlanned(plan)].flatMap(listRightsToInstall),
    { verb: "create", ...secret },
    { verb: "get", ...secret, name: clusterNames.tokenSecret("a") },
    { verb: "delete", ...secret, name: clusterNames.tokenSecret("a") },
    {
      verb: "create",
      group: "",
      resource: "serviceaccounts/token",
      namespace: identityNamespace,
      name: clusterNames.pilothouse,
    },
  ];
}

function listRightsToInstall(object: KubeObject): Right[] {
  const served = resources[object.kind];
  if (served === undefined) throw new Error(`no resource is known for ${object.kind}`);
  const { name, namespace } = object.metadata;
  const right = (verb: string, of = served, what = name): Right => ({
    verb,
    ...of,
    ...(namespace === undefined ? {} : { namespace }),
    name: what,
  });
  const verbs = ["get", "create", "patch"].map((verb) => right(verb));
  const rules = object["rules"];
  if (object.kind.endsWith("Role"))
    return Array.isArray(rules) && rules.length > 0 ? [...verbs, right("escalate")] : verbs;
  const roleKind = stringAt(object, "roleRef", "kind");
  const role = roleKind === undefined ? undefined : resources[roleKind];
  return role === undefined ? verbs : [...verbs, right("bind", role, stringAt(object, "roleRef", "name"))];
}

/** Asks the API server which of the rights the client's credential has. One question suffices for one that may do everything. */
export async function checkRights(client: KubeClient, needed: Right[]): Promise<GrantedRights> {
  const review = await client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    apiVersion: "authentication.k8s.io/v1",
    kind: "SelfSubjectReview",
  });
  const groups = fieldAt(review, "status", "userInfo", "groups");
  const identity = {
    user: stringAt(review, "status", "userInfo", "username") ?? "",
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === "string") : [],
  };
  const isUnlimited = await isAllowed(client, { verb: "*", group: "*", resource: "*" });
  if (isUnlimited) return { ...identity, isUnlimited, needed: needed.map((right) => ({ ...right, allowed: true })) };

  const answers: GrantedRights["needed"] = [];
  for (let start = 0; start < needed.length; start += concurrency) {
    const some = needed.slice(start, start + concurrency);
    answers.push(
      ...(await Promise.all(some.map(async (right) => ({ ...right, allowed: await isAllowed(client, right) })))),
    );
  }
  return { ...identity, isUnlimited, needed: answers };
}

/** Whether the client's own identity has a right (SelfSubjectAccessReview). */
export async function isAllowed(client: KubeClient, right: Right): Promise<boolean> {
  const [resource, subresource] = right.resource.split("/");
  const { verb, group, namespace, name } = right;
  const answer = await client.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: {
      resourceAttributes: {
        verb,
        group,
        resource,
        ...(subresource === undefined ? {} : { subresource }),
        ...(namespace === undefined ? {} : { namespace }),
        ...(name === undefined ? {} : { name }),
      },
    },
  });
  return fieldAt(answer, "status", "allowed") === true;
}

/** Rights in words, together where they are alike: `create, patch roles.rbac.authorization.k8s.io (a, b) in pilothouse-system`. */
export function nameRights(rights: Right[]): string {
  const perObject = Map.groupBy(rights, ({ group, resource, namespace, name }) =>
    JSON.stringify([group, resource, namespace, name]),
  );
  const objects = [...perObject.values()].flatMap((same) => {
    const [first] = same;
    return first === undefined ? [] : [{ ...first, verb: [...new Set(same.map(({ verb }) => verb))].join(", ") }];
  });
  const alike = Map.groupBy(objects, ({ verb, group, resource, namespace, name }) =>
    JSON.stringify([verb, group, resource, namespace, name === undefined]),
  );
  return [...alike.values()].map(nameAlike).join("; ");
}

function nameAlike(rights: Right[]): string {
  const [first] = rights;
  if (first === undefined) return "";
  const [plural, subresource] = first.resource.split("/");
  const what = `${plural}${first.group === "" ? "" : `.${first.group}`}${subresource === undefined ? "" : `/${subresource}`}`;
  const names = rights.flatMap(({ name }) => name ?? []);
  return `${first.verb} ${what}${names.length === 0 ? "" : ` (${names.join(", ")})`}${first.namespace === undefined ? "" : ` in ${first.namespace}`}`;
}
