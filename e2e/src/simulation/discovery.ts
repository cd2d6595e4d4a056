import type { KindTable, ServedKind } from "./kinds.ts";

/** What the simulated API servers say they are. */
export const simulatedVersion = "v1.34.4-simulated";

const verbs = ["create", "delete", "get", "list", "patch", "update"];

/** Groups that have no objects, only questions. */
const reviewGroups: Record<string, object[]> = {
  "authentication.k8s.io": [
    { name: "selfsubjectreviews", kind: "SelfSubjectReview", namespaced: false, verbs: ["create"] },
    { name: "tokenreviews", kind: "TokenReview", namespaced: false, verbs: ["create"] },
  ],
  "authorization.k8s.io": [
    { name: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview", namespaced: false, verbs: ["create"] },
  ],
};

/** The versions of each group, in the order in which they are preferred. */
function listGroups(kinds: KindTable): Map<string, string[]> {
  const groups = new Map<string, string[]>(Object.keys(reviewGroups).map((group) => [group, ["v1"]]));
  for (const { group, versions } of kinds.all()) {
    if (group === "" || versions.length === 0) continue;
    groups.set(group, [...new Set([...versions, ...(groups.get(group) ?? [])])]);
  }
  return groups;
}

function describeKind({ resource, kind, namespaced }: ServedKind): object[] {
  const own = { name: resource, singularName: kind.toLowerCase(), kind, namespaced, verbs };
  if (resource !== "serviceaccounts") return [own];
  return [own, { name: "serviceaccounts/token", kind: "TokenRequest", namespaced, verbs: ["create"] }];
}

/** All groups with all that they serve, in one document. */
export function describeAll(kinds: KindTable): object {
  const items = [...listGroups(kinds)].map(([name, versions]) => ({
    metadata: { name, creationTimestamp: null },
    versions: versions.map((version) => ({
      version,
      freshness: "Current",
      resources: kinds
        .all()
        .filter((kind) => kind.group === name && kind.versions.includes(version))
        .map(({ group, resource, kind, namespaced }) => ({
          resource,
          responseKind: { group, version, kind },
          scope: namespaced ? "Namespaced" : "Cluster",
          singularResource: kind.toLowerCase(),
          verbs,
        })),
    })),
  }));
  return { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items };
}

/** A discovery document; undefined for a path that is none, or of a version that is not served. */
export function describeApi(kinds: KindTable, path: string): object | undefined {
  if (path === "/version") return { major: "1", minor: "34", gitVersion: simulatedVersion, platform: "linux/amd64" };
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis") {
    const groups = [...listGroups(kinds)].map(([name, versions]) => {
      const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
      return { name, versions: all, preferredVersion: all[0] };
    });
    return { kind: "APIGroupList", apiVersion: "v1", groups };
  }
  const [, group = "", version = ""] = /^\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path) ?? [];
  if (version === "") return undefined;
  const served = kinds.all().filter((kind) => kind.group === group && kind.versions.includes(version));
  const resources = [...served.flatMap(describeKind), ...(version === "v1" ? (reviewGroups[group] ?? []) : [])];
  if (resources.length === 0) return undefined;
  return { kind: "APIResourceList", groupVersion: group === "" ? version : `${group}/${version}`, resources };
}

/** As much of the OpenAPI documents as kubectl needs to know that the server itself checks fields. */
export function describeOpenApi(path: string): object | undefined {
  const covered = "apis/apiextensions.k8s.io/v1";
  if (path === "/openapi/v3") return { paths: { [covered]: { serverRelativeURL: `/openapi/v3/${covered}` } } };
  if (path !== `/openapi/v3/${covered}`) return undefined;
  const kind = { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition", version: "v1" };
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: simulatedVersion },
    paths: {
      [`/${covered}/customresourcedefinitions/{name}`]: {
        patch: {
          parameters: [{ name: "fieldValidation", in: "query", schema: { type: "string" } }],
          responses: {},
          "x-kubernetes-action": "patch",
          "x-kubernetes-group-version-kind": kind,
        },
      },
    },
  };
}
