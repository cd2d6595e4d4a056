import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { createTestAuthority } from "../kubeconfig/test-certificates.ts";
import type { ClusterAccess } from "../types.ts";
import { isRecord, stringAt } from "./field-at.ts";
import { respond, startTestServer } from "./test-server.ts";
import type { SeenRequest } from "./test-server.ts";
import type { KubeObject } from "./types.ts";

const kinds: Record<string, { name: string; kind: string; namespaced: boolean }[]> = {
  "/apis/apps/v1": [
    { name: "daemonsets", kind: "DaemonSet", namespaced: true },
    { name: "deployments", kind: "Deployment", namespaced: true },
    { name: "statefulsets", kind: "StatefulSet", namespaced: true },
  ],
  "/apis/admissionregistration.k8s.io/v1": [
    { name: "mutatingwebhookconfigurations", kind: "MutatingWebhookConfiguration", namespaced: false },
    { name: "validatingwebhookconfigurations", kind: "ValidatingWebhookConfiguration", namespaced: false },
  ],
  "/apis/apiextensions.k8s.io/v1": [
    { name: "customresourcedefinitions", kind: "CustomResourceDefinition", namespaced: false },
  ],
  "/apis/coordination.k8s.io/v1": [{ name: "leases", kind: "Lease", namespaced: true }],
  "/apis/gateway.networking.k8s.io/v1": [{ name: "gatewayclasses", kind: "GatewayClass", namespaced: false }],
  "/apis/rbac.authorization.k8s.io/v1": [
    { name: "clusterroles", kind: "ClusterRole", namespaced: false },
    { name: "clusterrolebindings", kind: "ClusterRoleBinding", namespaced: false },
    { name: "roles", kind: "Role", namespaced: true },
    { name: "rolebindings", kind: "RoleBinding", namespaced: true },
  ],
};

const objectPath =
  /^(?<root>\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<resource>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<part>[^/]+))?$/;

/** Answers a request in the cluster's place, or never; undefined lets the cluster answer. */
export type Intervention = (
  seen: SeenRequest,
) => { status: number; message: string } | "never answered" | Promise<void> | undefined;

/** A cluster of one test. */
export interface TestCluster {
  access: ClusterAccess;
  /** Kinds, namespaces and names of what is in it, sorted: `ConfigMap default/a`. */
  list(): string[];
  find(kind: string, name: string): KubeObject | undefined;
  put(object: KubeObject): void;
  seen: SeenRequest[];
}

/**
 * As much of an API server as connecting and removing take, with objects that stay in memory: no admission, no authorization, no
 * merging of applied objects. What an object owns, and what is in a namespace, goes at once with it.
 *
 * @param texts answered as plain text, by path
 */
export async function startTestCluster(
  intervene: Intervention = () => undefined,
  texts: Readonly<Record<string, string>> = {},
): Promise<TestCluster> {
  const authority = await createTestAuthority("test");
  const certificate = await authority.issue({ commonName: "server", ipAddresses: ["127.0.0.1"] });
  const objects = new Map<string, KubeObject>();
  const keyOf = (kind: string, namespace: string | undefined, name: string): string =>
    `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
  const put = (object: KubeObject): KubeObject => {
    const { metadata, kind } = object;
    const key = keyOf(kind, metadata.namespace, metadata.name);
    const old = objects.get(key)?.metadata;
    const uid = old?.uid ?? randomUUID();
    const creationTimestamp = old?.creationTimestamp ?? new Date().toISOString();
    const stored = { ...object, metadata: { uid, creationTimestamp, ...metadata } };
    objects.set(key, stored);
    return stored;
  };
  const remove = (key: string): void => {
    const gone = objects.get(key);
    if (!objects.delete(key) || gone === undefined) return;
    for (const [other, { metadata }] of objects) {
      const isOwned = metadata.ownerReferences?.some(({ uid }) => uid === gone.metadata.uid) === true;
      if (isOwned || (gone.kind === "Namespace" && metadata.namespace === gone.metadata.name)) remove(other);
    }
  };

  const { url, seen } = await startTestServer(certificate, (entry, response) => {
    const intervention = intervene(entry);
    if (intervention === "never answered") return;
    if (intervention instanceof Promise) void intervention.then(() => answer(entry, response));
    else if (intervention === undefined) answer(entry, response);
    else refuse(response, intervention.status, intervention.message);
  });

  function answer({ method, url: asked, body }: SeenRequest, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(asked, url);
    const text = texts[pathname];
    if (text !== undefined) return void response.writeHead(200, { "content-type": "text/plain" }).end(text);
    const served = kinds[pathname];
    if (served !== undefined) return respond(response, 200, { resources: served });
    if (pathname === "/version") return respond(response, 200, { gitVersion: "v1.34.4" });
    if (pathname === "/apis") return respond(response, 200, { groups: [] });
    if (/selfsubject(access)?reviews$/.test(pathname)) return respond(response, 201, { status: { allowed: true } });
    const place = objectPath.exec(pathname)?.groups;
    const kind = findKind(place?.["root"] ?? "", place?.["resource"] ?? "");
    if (place === undefined || kind === undefined) return refuse(response, 404, "404 page not found");
    const { namespace, name, part } = place;
    if (part === "token") {
      const iat = Math.floor(Date.now() / 1000);
      const token = `${randomUUID()}.${Buffer.from(JSON.stringify({ iat })).toString("base64url")}.x`;
      const expirationTimestamp = new Date((iat + 3600) * 1000).toISOString();
      return respond(response, 201, { status: { token, expirationTimestamp } });
    }
    const isDryRun = searchParams.has("dryRun");
    if (method === "POST" || method === "PATCH") {
      const object = readObject(body);
      const wanted = keyOf(kind, namespace, object.metadata.name);
      if (method === "POST" && objects.has(wanted)) return refuse(response, 409, "exists", "AlreadyExists");
      return respond(response, 200, isDryRun ? object : put(object));
    }
    if (name === undefined) {
      const wish = { kind, namespace, selectors: searchParams };
      return respond(response, 200, { items: [...objects.values()].filter((object) => isSelected(object, wish)) });
    }
    const key = keyOf(kind, namespace, name);
    const found = objects.get(key);
    if (found === undefined) return refuse(response, 404, `${key} not found`, "NotFound");
    if (method === "DELETE") {
      const uid = stringAt(body, "preconditions", "uid");
      if (uid !== undefined && uid !== found.metadata.uid)
        return refuse(response, 409, "Precondition failed: UID", "Conflict");
      if (!isDryRun) remove(key);
    }
    respond(response, 200, found);
  }

  const credential = { token: "administrator" };
  return {
    access: { server: url, certificateAuthority: authority.certificate, credential },
    list: () => [...objects.keys()].toSorted(),
    find: (kind, name) => [...objects.values()].find((object) => object.kind === kind && object.metadata.name === name),
    put: (object) => void put(object),
    seen,
  };
}

const coreKinds: Record<string, string> = {
  configmaps: "ConfigMap",
  namespaces: "Namespace",
  pods: "Pod",
  secrets: "Secret",
  serviceaccounts: "ServiceAccount",
  services: "Service",
};

function findKind(root: string, resource: string): string | undefined {
  return root === "/api/v1" ? coreKinds[resource] : kinds[root]?.find(({ name }) => name === resource)?.kind;
}

function isSelected(
  { kind, metadata }: KubeObject,
  wish: { kind: string; namespace: string | undefined; selectors: URLSearchParams },
): boolean {
  if (kind !== wish.kind || (wish.namespace !== undefined && metadata.namespace !== wish.namespace)) return false;
  const field = wish.selectors.get("fieldSelector")?.split("=")[1];
  if (field !== undefined && field !== metadata.name) return false;
  return (wish.selectors.get("labelSelector") ?? "")
    .split(",")
    .filter((term) => term !== "")
    .every((term) => {
      const [label = "", value] = term.split("=");
      const has = metadata.labels?.[label];
      return value === undefined ? has !== undefined : has === value;
    });
}

function readObject(body: unknown): KubeObject {
  if (!isRecord(body) || stringAt(body, "metadata", "name") === undefined) throw new Error("no object was sent");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the client under test sent it
  return body as KubeObject;
}

function refuse(response: ServerResponse, code: number, message: string, reason = ""): void {
  respond(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", code, message, reason });
}
