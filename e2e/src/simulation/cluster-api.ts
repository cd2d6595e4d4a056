import type { KubeObject } from "@pilothouse/provisioner";
import { ApiError, createNotFound, describeError } from "./api-error.ts";
import type { Authorizer } from "./authorizer.ts";
import { describeAll, describeApi, describeOpenApi } from "./discovery.ts";
import type { Identities, User } from "./identities.ts";
import { writeShared } from "./json-text.ts";
import type { KindTable, ServedKind } from "./kinds.ts";
import type { ObjectCalls, Target } from "./object-calls.ts";
import type { ObjectStore } from "./object-store.ts";
import { readFieldSelector, readLabelSelector, readSelectedName } from "./selectors.ts";
import { isRecord, listAt, textAt, valueAt } from "./values.ts";

/** By it clients tell the document of all groups from a list of their names. */
const discoveryType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** A call as it arrives: who makes it is known by its token, or from its connection. */
export interface ApiCall {
  method: string;
  /** Path with query. */
  url: string;
  token?: string;
  user?: User;
  /** The forms of an answer that the caller takes; JSON of whole objects when absent. */
  accept?: string;
  body?: unknown;
}

export interface ApiAnswer {
  status: number;
  /** JSON, or what a pod answered. */
  text: string;
  /** Media type where it is not that of JSON alone. */
  type?: string;
}

/** The API of one cluster, without its transport. Never fails: a refusal is an answer. */
export type ClusterApi = (call: ApiCall) => Promise<ApiAnswer>;

export interface ClusterApiOptions {
  store: ObjectStore;
  kinds: KindTable;
  /** What pods answer of their metrics, by `<namespace>/<name>`. */
  metrics: ReadonlyMap<string, () => string>;
  identities: Identities;
  authorizer: Authorizer;
  calls: ObjectCalls;
}

interface Route {
  group: string;
  version: string;
  namespace: string;
  resource: string;
  name: string;
  subresource: string;
}

function readRoute(path: string): Route | undefined {
  const parts = path.split("/").slice(1).map(decodeURIComponent);
  const isCore = parts[0] === "api";
  if (!isCore && parts[0] !== "apis") return undefined;
  const [group, version = ""] = isCore ? ["", parts[1]] : [parts[1] ?? "", parts[2]];
  const rest = parts.slice(isCore ? 2 : 3);
  const isPlaced = rest[0] === "namespaces" && rest.length > 2;
  const [resource = "", name = "", subresource = ""] = isPlaced ? rest.slice(2) : rest;
  return { group, version, namespace: isPlaced ? (rest[1] ?? "") : "", resource, name, subresource };
}

/** Kinds whose objects come in several versions are shown in the one that was asked for. */
const show = (target: { kind: ServedKind; version: string }, object: KubeObject): KubeObject => {
  const apiVersion = target.kind.group === "" ? target.version : `${target.kind.group}/${target.version}`;
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
};

/** An object of which no more than the metadata was asked for. */
const writeMetadata = ({ metadata }: KubeObject): string =>
  `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)}}`;

function asObject(body: unknown): KubeObject {
  if (!isRecord(body) || !isRecord(body["metadata"]))
    throw new ApiError(400, "BadRequest", "the body is no Kubernetes object");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as far as this server looks at objects
  return body as unknown as KubeObject;
}

export function createClusterApi(options: ClusterApiOptions): ClusterApi {
  const { store, kinds, metrics, identities, authorizer, calls } = options;

  function answerReview({ group, resource }: Route, user: User, body: unknown): unknown {
    const sent = isRecord(body) ? body : {};
    switch (`${group}/${resource}`) {
      case "authentication.k8s.io/selfsubjectreviews":
        return { ...sent, status: { userInfo: { username: user.name, groups: user.groups } } };
      case "authorization.k8s.io/selfsubjectaccessreviews": {
        const asked = valueAt(body, "spec", "resourceAttributes");
        const subresource = textAt(asked, "subresource");
        const allowed = authorizer.isAllowed(user, {
          verb: textAt(asked, "verb"),
          group: textAt(asked, "group"),
          resource: `${textAt(asked, "resource")}${subresource === "" ? "" : `/${subresource}`}`,
          namespace: textAt(asked, "namespace"),
          name: textAt(asked, "name"),
        });
        return { ...sent, status: { allowed } };
      }
      case "authentication.k8s.io/tokenreviews": {
        authorizer.assertAllowed(user, { verb: "create", group, resource, namespace: "", name: "" });
        const audiences = listAt(body, "spec", "audiences").filter((audience) => typeof audience === "string");
        const found = identities.authenticate(
          textAt(body, "spec", "token"),
          audiences.length === 0 ? undefined : audiences,
        );
        if (found === undefined) return { ...sent, status: { authenticated: false, error: "token is not valid" } };
        return {
          ...sent,
          status: {
            authenticated: true,
            user: { username: found.name, uid: found.uid, groups: found.groups },
            audiences,
          },
        };
      }
      default:
        return undefined;
    }
  }

  function list(target: Omit<Target, "name">, query: URLSearchParams, accept = ""): string {
    const byLabel = readLabelSelector(query.get("labelSelector") ?? "");
    const byField = readFieldSelector(query.get("fieldSelector") ?? "");
    const found = store.list(target.kind, target.namespace).filter((object) => byLabel(object) && byField(object));
    const { group, kind } = target.kind;
    const apiVersion = group === "" ? target.version : `${group}/${target.version}`;
    const isShort = accept.includes("as=PartialObjectMetadataList");
    const items = found.map((object) => (isShort ? writeMetadata(object) : writeShared(show(target, object))));
    const type = isShort ? { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" } : { kind, apiVersion };
    return `{"kind":"${type.kind}List","apiVersion":"${type.apiVersion}","metadata":{"resourceVersion":"${store.version()}"},"items":[${items.join(",")}]}`;
  }

  async function callObject(route: Route, call: ApiCall, user: User, query: URLSearchParams): Promise<ApiAnswer> {
    const { group, version, resource, subresource } = route;
    const kind = kinds.find(group, resource);
    if (kind === undefined || !kind.versions.includes(version))
      throw new ApiError(404, "NotFound", "the server could not find the requested resource");
    const isPatch = call.method === "PATCH";
    const name = route.name === "" ? textAt(call.body, "metadata", "name") : route.name;
    const target: Target = {
      kind,
      version,
      name,
      user,
      manager: query.get("fieldManager") ?? "unknown",
      dryRun: query.get("dryRun") === "All" || listAt(call.body, "dryRun").includes("All"),
      ...(kind.namespaced && route.namespace !== "" ? { namespace: route.namespace } : {}),
    };
    const allow = (verb: string, of = name): void =>
      authorizer.assertAllowed(user, {
        verb,
        group,
        resource: subresource === "" ? resource : `${resource}/${subresource}`,
        namespace: kind.namespaced ? route.namespace : resource === "namespaces" ? of : "",
        name: of,
      });
    const isShort = (call.accept ?? "").includes("as=PartialObjectMetadata;");
    const answer = (object: KubeObject, status = 200): ApiAnswer => ({
      status,
      text: isShort ? writeMetadata(object) : writeShared(show(target, object)),
    });
    if (subresource === "token" && resource === "serviceaccounts") {
      allow("create");
      const granted = identities.requestToken(route.namespace, name, call.body);
      return {
        status: 201,
        text: JSON.stringify({ ...(isRecord(call.body) ? call.body : {}), metadata: { name }, status: granted }),
      };
    }
    if (subresource === "proxy" && resource === "pods") {
      allow("get");
      const read = metrics.get(`${route.namespace}/${name.split(":")[0]}`);
      if (read === undefined) throw createNotFound(group, resource, name);
      return { status: 200, text: read() };
    }
    if (subresource !== "") throw new ApiError(404, "NotFound", "the server could not find the requested resource");
    if (call.method === "GET" && route.name === "") {
      allow("list", readSelectedName(query.get("fieldSelector") ?? ""));
      return { status: 200, text: list(target, query, call.accept) };
    }
    const live = store.get(kind, target.namespace, name);
    switch (call.method) {
      case "GET":
        allow("get");
        if (live === undefined) throw createNotFound(group, resource, name);
        return answer(live);
      case "POST":
        allow("create", "");
        return answer(await calls.create(target, asObject(call.body)), 201);
      case "PATCH":
        allow("patch");
        if (live === undefined) allow("create");
        return answer(await calls.apply(target, asObject(call.body)), live === undefined ? 201 : 200);
      case "PUT":
        allow("update");
        return answer(await calls.update(target, asObject(call.body)));
      case "DELETE":
        allow("delete");
        return answer(calls.remove(target, call.body));
      default:
        throw new ApiError(
          405,
          "MethodNotAllowed",
          `the server does not allow ${isPatch ? "this patch" : call.method} on the requested resource`,
        );
    }
  }

  async function answerCall(call: ApiCall): Promise<ApiAnswer> {
    const { pathname, searchParams } = new URL(call.url, "https://kubernetes");
    const user = call.token === undefined ? call.user : identities.authenticate(call.token);
    if (user === undefined) throw new ApiError(401, "Unauthorized", "Unauthorized");
    if (call.method === "GET") {
      const isAll = pathname === "/apis" && (call.accept ?? "").includes("as=APIGroupDiscoveryList");
      if (isAll) return { status: 200, text: JSON.stringify(describeAll(kinds)), type: discoveryType };
      const document = describeApi(kinds, pathname) ?? describeOpenApi(pathname);
      if (document !== undefined) return { status: 200, text: JSON.stringify(document) };
    }
    const route = readRoute(pathname);
    if (route === undefined || route.resource === "")
      throw new ApiError(404, "NotFound", "the server could not find the requested resource");
    if (call.method === "POST" && route.name === "") {
      const review = answerReview(route, user, call.body);
      if (review !== undefined) return { status: 201, text: JSON.stringify(review) };
    }
    return callObject(route, call, user, searchParams);
  }

  return async (call) => {
    try {
      return await answerCall(call);
    } catch (error) {
      const known =
        error instanceof ApiError
          ? error
          : new ApiError(
              500,
              "InternalError",
              `Internal error occurred: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
            );
      return { status: known.status, text: JSON.stringify(describeError(known)) };
    }
  };
}
