import { ProvisionerError } from "../errors.ts";
import type { ClusterAccess } from "../types.ts";
import { findExpected } from "./built-in-kinds.ts";
import { createDiscovery, discoveryForm, pathOfKind, readServed } from "./discovery.ts";
import type { ServedKind } from "./discovery.ts";
import { fieldAt, isRecord, stringAt } from "./field-at.ts";
import { createTransport, longestAnswerBytes } from "./transport.ts";
import type { TransportOptions } from "./transport.ts";
import type { KubeClient, KubeObject, ListOptions, ObjectRef } from "./types.ts";

/** Field manager of everything Pilothouse applies. */
const fieldManager = "pilothouse";
const objectsPerPage = 500;
const mostPages = 200;
const mostTextBytes = 8 * 1024 * 1024;
/** A list without specs and status; see "Resource representations" of the Kubernetes API. */
const metadataForm = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/** The same of one object: what is applied is known, and its echo is as long as what was sent. */
const oneMetadataForm = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/**
 * A client for one API server.
 *
 * @param access where it is and how to log in there
 * @param options the deadline after which nothing is sent, an abort signal, the longest time of one call in milliseconds
 *   (15,000 when absent), the addresses that may be connected to (any when absent), and a log of finished calls
 * @returns the client; its methods throw ProvisionerErrors whose messages name the server, the verb, the object and what to do
 */
export function createKubeClient(access: ClusterAccess, options: TransportOptions): KubeClient {
  const transport = createTransport(access, options);
  const discovery = createDiscovery(transport);

  async function findServed(ref: { apiVersion: string; kind: string }, verb: string): Promise<ServedKind> {
    const served = await discovery.find(ref);
    if (served) return served;
    throw new ProvisionerError(
      "notReady",
      "KindNotServed",
      `${access.server} serves no ${ref.kind} of ${ref.apiVersion} (yet), so that it can't ${verb} one. Its CustomResourceDefinition comes first.`,
    );
  }

  async function listObjects(
    kind: { apiVersion: string; kind: string },
    { namespace, labelSelector, fieldSelector }: ListOptions,
    accept?: string,
  ): Promise<KubeObject[]> {
    const served = await discovery.find(kind);
    if (!served) return [];
    const path = pathOfKind(served, namespace);
    const call = { verb: "list", subject: `${served.resource}${namespace ? ` in ${namespace}` : ""}` };
    const objects: KubeObject[] = [];
    // Of all pages together: a server that goes on for ever must not fill this process's memory.
    const budget = { bytes: longestAnswerBytes };
    let next = "";
    for (let page = 0; page < mostPages; page += 1) {
      const query = new URLSearchParams({ limit: String(objectsPerPage) });
      if (labelSelector) query.set("labelSelector", labelSelector);
      if (fieldSelector) query.set("fieldSelector", fieldSelector);
      if (next) query.set("continue", next);
      const form = accept === undefined ? {} : { accept };
      const body = await transport.send({ method: "GET", path: `${path}?${query}`, budget, ...form }, call);
      const items = fieldAt(body, "items");
      for (const item of Array.isArray(items) ? items : []) {
        // Items of a list carry neither of the two.
        objects.push(readObject(isRecord(item) ? { apiVersion: kind.apiVersion, kind: kind.kind, ...item } : item));
      }
      next = stringAt(body, "metadata", "continue") ?? "";
      if (!next) return objects;
    }
    throw new ProvisionerError(
      "unknown",
      "ListTooLong",
      `${access.server} has more than ${mostPages * objectsPerPage} ${call.subject}, more than Pilothouse reads.`,
    );
  }

  return {
    server: access.server,

    async get(ref) {
      const served = await discovery.find(ref);
      if (!served) return undefined;
      const path = pathOfKind(served, ref.namespace, ref.name);
      const body = await transport.send({ method: "GET", path }, { verb: "get", subject: nameObject(ref) }, [404]);
      return body === undefined ? undefined : readObject(body);
    },

    list: (kind, listOptions = {}) => listObjects(kind, listOptions),

    listMetadata: (kind, listOptions = {}) => listObjects(kind, listOptions, metadataForm),

    async listServed() {
      const call = { verb: "read", subject: "all that it serves" };
      return readServed(await transport.send({ method: "GET", path: "/apis", accept: discoveryForm }, call));
    },

    async create(object, { dryRun = false } = {}) {
      const expected = findExpected(object);
      const served = expected ?? (await findServed(object, "create"));
      const query = new URLSearchParams({ fieldManager, ...(dryRun ? { dryRun: "All" } : {}) });
      const path = `${pathOfKind(served, namespaceOf(served, object))}?${query}`;
      const call = { verb: dryRun ? "create (dry run)" : "create", subject: nameObject(object) };
      try {
        return readObject(await transport.send({ method: "POST", path, body: object }, call));
      } catch (error) {
        const isUnknown = expected !== undefined && error instanceof ProvisionerError && error.code === "NotFound";
        // A missing namespace is refused in the same way.
        if (isUnknown) await findServed(object, "create");
        throw error;
      }
    },

    async apply(object, { dryRun = false } = {}) {
      const served = await findServed(object, "apply");
      const query = new URLSearchParams({ fieldManager, force: "true", ...(dryRun ? { dryRun: "All" } : {}) });
      const path = `${pathOfKind(served, namespaceOf(served, object), object.metadata.name)}?${query}`;
      const call = { verb: dryRun ? "apply (dry run)" : "apply", subject: nameObject(object) };
      const form = { contentType: "application/apply-patch+yaml", accept: oneMetadataForm };
      return readObject(await transport.send({ method: "PATCH", path, body: object, ...form }, call));
    },

    async delete(ref, { uid, propagation } = {}) {
      const served = await discovery.find(ref);
      if (!served) return false;
      const request = {
        method: "DELETE",
        path: pathOfKind(served, ref.namespace, ref.name),
        body: {
          apiVersion: "v1",
          kind: "DeleteOptions",
          ...(uid === undefined ? {} : { preconditions: { uid } }),
          ...(propagation === undefined ? {} : { propagationPolicy: propagation }),
        },
      } as const;
      try {
        return (await transport.send(request, { verb: "delete", subject: nameObject(ref) }, [404])) !== undefined;
      } catch (error) {
        if (!(error instanceof ProvisionerError) || error.code !== "Conflict") throw error;
        if (uid !== undefined && error.message.includes("Precondition failed: UID")) return false;
        // A namespace answers so while it is being deleted already.
        if (ref.kind === "Namespace" && error.message.includes("will automatically be purged")) return true;
        throw error;
      }
    },

    async requestToken(serviceAccount, { audiences, expirationSeconds, boundSecret }) {
      const name = encodeURIComponent(serviceAccount.name);
      const answer = await transport.send(
        {
          method: "POST",
          path: `/api/v1/namespaces/${encodeURIComponent(serviceAccount.namespace)}/serviceaccounts/${name}/token`,
          body: {
            apiVersion: "authentication.k8s.io/v1",
            kind: "TokenRequest",
            spec: {
              expirationSeconds,
              ...(audiences === undefined ? {} : { audiences }),
              ...(boundSecret === undefined
                ? {}
                : { boundObjectRef: { apiVersion: "v1", kind: "Secret", ...boundSecret } }),
            },
          },
        },
        { verb: "request a token for", subject: `ServiceAccount ${serviceAccount.namespace}/${serviceAccount.name}` },
      );
      const token = stringAt(answer, "status", "token");
      const expiresAt = stringAt(answer, "status", "expirationTimestamp");
      if (token !== undefined && expiresAt !== undefined) return { token, expiresAt };
      throw createShapeError(access.server, "a TokenRequest without a token");
    },

    request: (method, path, body) =>
      transport.send(
        { method, path, ...(body === undefined ? {} : { body }) },
        { verb: method, subject: path.replace(/\?.*$/s, "") },
      ),

    async readText(path) {
      const call = { verb: "GET", subject: path.replace(/\?.*$/s, "") };
      return transport.sendForText(
        { method: "GET", path, accept: "text/plain", budget: { bytes: mostTextBytes } },
        call,
      );
    },

    close: () => transport.close(),
  };

  function readObject(value: unknown): KubeObject {
    if (isKubeObject(value)) return value;
    throw createShapeError(access.server, "something that is no Kubernetes object");
  }
}

/** What every object of the Kubernetes API has; the rest of `KubeObject` is optional. */
function isKubeObject(value: unknown): value is KubeObject {
  return (
    stringAt(value, "apiVersion") !== undefined &&
    stringAt(value, "kind") !== undefined &&
    stringAt(value, "metadata", "name") !== undefined
  );
}

function createShapeError(server: string, what: string): ProvisionerError {
  return new ProvisionerError(
    "unknown",
    "UnexpectedAnswer",
    `${server} answered ${what}. Check that the address is a Kubernetes API server's.`,
  );
}

function namespaceOf(served: ServedKind, object: KubeObject): string | undefined {
  const { name, namespace } = object.metadata;
  if (!served.namespaced || namespace !== undefined) return namespace;
  throw new ProvisionerError("unknown", "NamespaceMissing", `${object.kind} ${name} needs a namespace.`);
}

function nameObject(object: ObjectRef | KubeObject): string {
  const { name, namespace } = "metadata" in object ? object.metadata : object;
  return `${object.kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}
