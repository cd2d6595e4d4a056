import type { KubeObject } from "@pilothouse/provisioner";
import { ApiError, nameResource } from "./api-error.ts";
import { administrators, type User } from "./identities.ts";
import type { KindTable, ServedKind } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import { listAt, textAt } from "./values.ts";

/** What somebody wants to do. */
export interface Attributes {
  verb: string;
  group: string;
  /** With its subresource after a slash, where there is one. */
  resource: string;
  namespace: string;
  /** "" for a whole collection. */
  name: string;
}

/** Role-based access control of one cluster. */
export interface Authorizer {
  isAllowed: (user: User, attributes: Attributes) => boolean;
  /** @throws ApiError in the words of a real API server */
  assertAllowed: (user: User, attributes: Attributes) => void;
}

const rbac = "rbac.authorization.k8s.io";
const rbacResources = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"];

interface Grant {
  /** "" for the whole cluster. */
  namespace: string;
  rules: unknown[];
}

function isSubject(binding: KubeObject, user: User): boolean {
  return listAt(binding, "subjects").some((subject) => {
    const name = textAt(subject, "name");
    switch (textAt(subject, "kind")) {
      case "ServiceAccount":
        return user.name === `system:serviceaccount:${textAt(subject, "namespace")}:${name}`;
      case "Group":
        return user.groups.includes(name);
      default:
        return user.name === name;
    }
  });
}

const includes = (list: unknown[], value: string): boolean => list.includes("*") || list.includes(value);

function isCovered(rule: unknown, { verb, group, resource, name }: Attributes): boolean {
  const names = listAt(rule, "resourceNames");
  return (
    includes(listAt(rule, "verbs"), verb) &&
    includes(listAt(rule, "apiGroups"), group) &&
    includes(listAt(rule, "resources"), resource) &&
    (names.length === 0 || names.includes(name))
  );
}

export function createAuthorizer(store: ObjectStore, kinds: KindTable): Authorizer {
  const known = new Map<string, Grant[]>();
  const findKind = (resource: string): ServedKind | undefined => kinds.find(rbac, resource);
  store.onChange(({ kind }) => {
    if (kind.group === rbac && rbacResources.includes(kind.resource)) known.clear();
  });
  const list = (resource: string): KubeObject[] => {
    const kind = findKind(resource);
    return kind === undefined ? [] : store.list(kind);
  };
  const readRole = (binding: KubeObject): unknown[] => {
    const isCluster = textAt(binding, "roleRef", "kind") === "ClusterRole";
    const kind = findKind(isCluster ? "clusterroles" : "roles");
    const name = textAt(binding, "roleRef", "name");
    return kind === undefined
      ? []
      : listAt(store.get(kind, isCluster ? undefined : binding.metadata.namespace, name), "rules");
  };
  const findGrants = (user: User): Grant[] => {
    const found = known.get(user.name);
    if (found !== undefined) return found;
    const grants = [...list("clusterrolebindings"), ...list("rolebindings")]
      .filter((binding) => isSubject(binding, user))
      .map((binding) => ({ namespace: binding.metadata.namespace ?? "", rules: readRole(binding) }));
    known.set(user.name, grants);
    return grants;
  };
  const isAllowed = (user: User, attributes: Attributes): boolean =>
    user.groups.includes(administrators) ||
    findGrants(user).some(
      ({ namespace, rules }) =>
        (namespace === "" || namespace === attributes.namespace) && rules.some((rule) => isCovered(rule, attributes)),
    );
  return {
    isAllowed,
    assertAllowed(user, attributes) {
      if (isAllowed(user, attributes)) return;
      const { verb, group, resource, namespace, name } = attributes;
      const [plural = ""] = resource.split("/");
      const subject = `${nameResource(group, plural)}${name === "" ? "" : ` "${name}"`}`;
      const scope = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
      throw new ApiError(
        403,
        "Forbidden",
        `${subject} is forbidden: User "${user.name}" cannot ${verb} resource "${resource}" in API group "${group}" ${scope}`,
      );
    },
  };
}
