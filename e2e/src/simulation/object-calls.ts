import type { KubeObject } from "@pilothouse/provisioner";
import type { Admit } from "./admission.ts";
import { ApiError, createNotFound, nameResource } from "./api-error.ts";
import type { User } from "./identities.ts";
import type { KindTable, ServedKind } from "./kinds.ts";
import { applyObject, markCreated, markUpdated } from "./managed-fields.ts";
import type { ObjectStore } from "./object-store.ts";
import { listAt, stringsAt, textAt } from "./values.ts";

/** Where a call goes, and who makes it. */
export interface Target {
  kind: ServedKind;
  version: string;
  /** Absent for kinds of the whole cluster. */
  namespace?: string;
  name: string;
  user: User;
  manager: string;
  dryRun: boolean;
}

/** The writes of an API server, each with its admission. */
export interface ObjectCalls {
  create: (target: Target, object: KubeObject) => Promise<KubeObject>;
  apply: (target: Target, object: KubeObject) => Promise<KubeObject>;
  update: (target: Target, object: KubeObject) => Promise<KubeObject>;
  remove: (target: Target, options: unknown) => KubeObject;
}

/** How long a pod takes to end, in milliseconds; a real istiod takes about two seconds. */
const podEndMs = 100;

const isNamespace = (kind: ServedKind): boolean => kind.group === "" && kind.resource === "namespaces";
const isPod = (kind: ServedKind): boolean => kind.group === "" && kind.resource === "pods";

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

export function createObjectCalls(store: ObjectStore, kinds: KindTable, admit: Admit): ObjectCalls {
  const find = ({ kind, namespace, name }: Target): KubeObject | undefined => store.get(kind, namespace, name);
  const findOrRefuse = (target: Target): KubeObject => {
    const found = find(target);
    if (found === undefined) throw createNotFound(target.kind.group, target.kind.resource, target.name);
    return found;
  };
  const conflict = ({ kind, name }: Target, why: string): ApiError =>
    new ApiError(
      409,
      "Conflict",
      `Operation cannot be fulfilled on ${nameResource(kind.group, kind.resource)} "${name}": ${why}`,
    );

  function assertPlace({ kind, namespace, name }: Target): void {
    if (namespace === undefined) return;
    const namespaces = kinds.find("", "namespaces");
    const place = namespaces === undefined ? undefined : store.get(namespaces, undefined, namespace);
    if (place === undefined) throw createNotFound("", "namespaces", namespace);
    if (place.metadata.deletionTimestamp === undefined) return;
    throw new ApiError(
      403,
      "Forbidden",
      `${nameResource(kind.group, kind.resource)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    );
  }

  async function insert(
    target: Target,
    sent: KubeObject,
    mark: (object: KubeObject) => KubeObject,
  ): Promise<KubeObject> {
    const { kind, namespace, name, user, version, dryRun } = target;
    assertPlace(target);
    const { uid: _uid, resourceVersion: _version, managedFields: _fields, ...metadata } = sent.metadata;
    const placed = { ...sent, metadata: { ...metadata, name, ...(namespace === undefined ? {} : { namespace }) } };
    const object = await admit({
      kind,
      version,
      operation: "CREATE",
      object: fillDefaults(kind, placed),
      user,
      dryRun,
    });
    if (find(target) !== undefined)
      throw new ApiError(409, "AlreadyExists", `${nameResource(kind.group, kind.resource)} "${name}" already exists`);
    const marked = mark(object);
    return dryRun ? marked : store.insert(kind, marked);
  }

  return {
    create: (target, object) => insert(target, object, (made) => markCreated(made, target.manager)),

    async apply(target, object) {
      const { kind, version, user, dryRun, manager } = target;
      const live = find(target);
      const { uid } = object.metadata;
      if (uid !== undefined && uid !== live?.metadata.uid)
        throw conflict(
          target,
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live?.metadata.uid ?? ""}`,
        );
      if (live === undefined) {
        const empty = (made: KubeObject): KubeObject => applyObject(made, object, manager);
        return insert(target, object, empty);
      }
      const applied = applyObject(live, object, manager);
      if (applied === live) return live;
      const admitted = await admit({
        kind,
        version,
        operation: "UPDATE",
        object: applied,
        oldObject: live,
        user,
        dryRun,
      });
      if (find(target) !== live)
        throw conflict(
          target,
          "the object has been modified; please apply your changes to the latest version and try again",
        );
      return dryRun ? admitted : store.replace(kind, live, admitted);
    },

    async update(target, object) {
      const { kind, version, user, dryRun, manager } = target;
      const live = findOrRefuse(target);
      if (
        object.metadata.resourceVersion !== undefined &&
        object.metadata.resourceVersion !== live.metadata.resourceVersion
      )
        throw conflict(
          target,
          "the object has been modified; please apply your changes to the latest version and try again",
        );
      const updated = markUpdated(live, object, manager);
      const admitted = await admit({
        kind,
        version,
        operation: "UPDATE",
        object: updated,
        oldObject: live,
        user,
        dryRun,
      });
      return dryRun ? admitted : store.replace(kind, live, admitted);
    },

    remove(target, options) {
      const { kind } = target;
      const live = findOrRefuse(target);
      const wanted = textAt(options, "preconditions", "uid");
      if (wanted !== "" && wanted !== live.metadata.uid)
        throw conflict(
          target,
          `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${live.metadata.uid ?? ""}`,
        );
      if (target.dryRun) return live;
      if (isNamespace(kind) && live.metadata.deletionTimestamp !== undefined)
        throw conflict(
          target,
          "The system is ensuring all content is removed from this namespace.  Upon completion, this namespace will automatically be purged by the system.",
        );
      return endObject(store, kind, live);
    },
  };
}

/** Deletes an object as its kind is deleted: namespaces and pods end after a while, all others at once. */
export function endObject(store: ObjectStore, kind: ServedKind, live: KubeObject): KubeObject {
  if (!isNamespace(kind) && !isPod(kind)) {
    store.remove(kind, live);
    return live;
  }
  if (live.metadata.deletionTimestamp !== undefined) return live;
  if (isNamespace(kind)) return store.replace(kind, live, { ...markEnding(live), status: { phase: "Terminating" } });
  const ending = store.replace(kind, live, markEnding(live));
  setTimeout(() => store.remove(kind, ending), podEndMs);
  return ending;
}

const markEnding = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: now() },
});

/** What API servers add to an object that says nothing of it, as far as somebody here looks at it. */
function fillDefaults(kind: ServedKind, object: KubeObject): KubeObject {
  if (isNamespace(kind)) {
    const { name, labels } = object.metadata;
    return {
      ...object,
      metadata: { ...object.metadata, labels: { ...labels, "kubernetes.io/metadata.name": name } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    };
  }
  if (kind.resource === "mutatingwebhookconfigurations" || kind.resource === "validatingwebhookconfigurations") {
    const webhooks = listAt(object, "webhooks").map((webhook) => ({
      failurePolicy: "Fail",
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      ...(typeof webhook === "object" ? webhook : {}),
    }));
    return { ...object, webhooks };
  }
  if (kind.resource === "secrets" && Object.keys(stringsAt(object, "stringData")).length > 0) {
    const { stringData: _plain, ...rest } = object;
    const encoded = Object.entries(stringsAt(object, "stringData")).map(([key, text]) => [
      key,
      Buffer.from(text).toString("base64"),
    ]);
    return { ...rest, data: { ...stringsAt(object, "data"), ...Object.fromEntries(encoded) } };
  }
  return object;
}
