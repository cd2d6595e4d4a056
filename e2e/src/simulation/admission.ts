import { randomUUID } from "node:crypto";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import type { KubeObject } from "@pilothouse/provisioner";
import { ApiError } from "./api-error.ts";
import type { User } from "./identities.ts";
import { patchDocument, readPatch } from "./json-patch.ts";
import type { KindTable, ServedKind } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import { matchesSelector } from "./selectors.ts";
import { isRecord, listAt, textAt, valueAt } from "./values.ts";

/** Answers the addresses of a name, as the resolver of an API server would. */
export type Resolve = (hostname: string) => string[];

/** One change on its way into storage. */
export interface AdmissionRequest {
  kind: ServedKind;
  version: string;
  operation: "CREATE" | "UPDATE";
  object: KubeObject;
  oldObject?: KubeObject;
  user: User;
  dryRun: boolean;
}

/** Asks the webhooks of a cluster, over the network, about a change. Answers the object as they want it. */
export type Admit = (request: AdmissionRequest) => Promise<KubeObject>;

const group = "admissionregistration.k8s.io";
/** As API servers do, connections to webhooks are kept for a while. */
const agent = new Agent({ keepAlive: true, maxSockets: 4, timeout: 60_000 });
const defaultTimeoutSeconds = 10;

export function createAdmission(store: ObjectStore, kinds: KindTable, resolve: Resolve): Admit {
  const listWebhooks = (resource: string, change: AdmissionRequest): unknown[] => {
    const kind = kinds.find(group, resource);
    if (kind === undefined) return [];
    return store
      .list(kind)
      .flatMap((configuration) => listAt(configuration, "webhooks").filter((webhook) => isMeant(webhook, change)));
  };
  const isMeant = (webhook: unknown, change: AdmissionRequest): boolean => {
    const { kind, version, operation, object } = change;
    const covers = (rule: unknown, key: string, value: string): boolean => {
      const list = listAt(rule, key);
      return list.includes("*") || list.includes(value);
    };
    const isCovered = listAt(webhook, "rules").some(
      (rule) =>
        covers(rule, "operations", operation) &&
        covers(rule, "apiGroups", kind.group) &&
        covers(rule, "apiVersions", version) &&
        covers(rule, "resources", kind.resource),
    );
    if (!isCovered) return false;
    const namespaces = kinds.find("", "namespaces");
    const { namespace, labels = {} } = object.metadata;
    const place =
      namespaces === undefined || namespace === undefined ? undefined : store.get(namespaces, undefined, namespace);
    return (
      matchesSelector(valueAt(webhook, "objectSelector"), labels) &&
      (namespace === undefined || matchesSelector(valueAt(webhook, "namespaceSelector"), place?.metadata.labels ?? {}))
    );
  };

  return async (change) => {
    let { object } = change;
    for (const webhook of listWebhooks("mutatingwebhookconfigurations", change)) {
      const response = await askWebhook(webhook, { ...change, object }, resolve);
      const patched = patchDocument(object, readPatch(response));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a patched object is one still, or fails where it is read
      if (isRecord(patched)) object = patched as unknown as KubeObject;
    }
    const validating = listWebhooks("validatingwebhookconfigurations", change);
    await Promise.all(validating.map((webhook) => askWebhook(webhook, { ...change, object }, resolve)));
    return object;
  };
}

/** A webhook's `response`; undefined when it could not be asked and is open on failure. */
async function askWebhook(webhook: unknown, change: AdmissionRequest, resolve: Resolve): Promise<unknown> {
  const name = textAt(webhook, "name");
  let response: unknown;
  try {
    response = await post(webhook, createReview(change), resolve);
  } catch (error) {
    if (valueAt(webhook, "failurePolicy") === "Ignore") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiError(
      500,
      "InternalError",
      `Internal error occurred: failed calling webhook "${name}": failed to call webhook: ${why}`,
    );
  }
  if (valueAt(response, "allowed") === true) return response;
  const words = textAt(response, "status", "message");
  throw new ApiError(
    400,
    "BadRequest",
    `admission webhook "${name}" denied the request: ${words === "" ? "without explanation" : words}`,
  );
}

function createReview({ kind, version, operation, object, oldObject, user, dryRun }: AdmissionRequest): unknown {
  const own = { group: kind.group, version };
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: randomUUID(),
      kind: { ...own, kind: kind.kind },
      resource: { ...own, resource: kind.resource },
      requestKind: { ...own, kind: kind.kind },
      requestResource: { ...own, resource: kind.resource },
      name: object.metadata.name,
      namespace: object.metadata.namespace,
      operation,
      userInfo: { username: user.name, uid: user.uid, groups: user.groups },
      object,
      oldObject,
      dryRun,
    },
  };
}

/** What Go says of a failure, for those that can occur here. */
function translateFailure(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words: Record<string, string> = {
    ECONNREFUSED: "connect: connection refused",
    ECONNRESET: "read: connection reset by peer",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "x509: certificate signed by unknown authority",
    SELF_SIGNED_CERT_IN_CHAIN: "x509: certificate signed by unknown authority",
    DEPTH_ZERO_SELF_SIGNED_CERT: "x509: certificate signed by unknown authority",
    CERT_SIGNATURE_FAILURE: "x509: certificate signed by unknown authority",
    ERR_TLS_CERT_ALTNAME_INVALID: "x509: certificate is valid for other names",
    ABORT_ERR: "context deadline exceeded",
  };
  return words[code] ?? (error instanceof Error ? error.message : String(error));
}

async function post(webhook: unknown, review: unknown, resolve: Resolve): Promise<unknown> {
  const timeoutSeconds = Number(valueAt(webhook, "timeoutSeconds") ?? defaultTimeoutSeconds);
  const url = new URL(textAt(webhook, "clientConfig", "url"));
  const called = `Post "${url.href}?timeout=${timeoutSeconds}s"`;
  const [address] = resolve(url.hostname);
  if (address === undefined) throw new Error(`${called}: dial tcp: lookup ${url.hostname}: no such host`);
  const answered = Promise.withResolvers<{ status: number; body: string }>();
  const call = request(
    {
      agent,
      host: address,
      port: url.port === "" ? 443 : Number(url.port),
      path: `${url.pathname}?timeout=${timeoutSeconds}s`,
      method: "POST",
      servername: url.hostname,
      ca: Buffer.from(textAt(webhook, "clientConfig", "caBundle"), "base64").toString("utf8"),
      headers: { host: url.host, "content-type": "application/json" },
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    },
    (response) => {
      text(response).then((body) => answered.resolve({ status: response.statusCode ?? 0, body }), answered.reject);
    },
  );
  call.once("error", answered.reject);
  call.end(JSON.stringify(review));
  try {
    const { status, body } = await answered.promise;
    if (status !== 200) throw new Error("the server could not find the requested resource");
    const answer: unknown = JSON.parse(body);
    return valueAt(answer, "response");
  } catch (error) {
    throw new Error(`${called}: ${translateFailure(error)}`, { cause: error });
  }
}
