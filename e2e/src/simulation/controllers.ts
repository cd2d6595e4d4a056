import type { KubeObject } from "@pilothouse/provisioner";
import type { KindTable, ServedKind } from "./kinds.ts";
import { endObject } from "./object-calls.ts";
import type { ObjectStore } from "./object-store.ts";
import { listAt, textAt } from "./values.ts";

/** How long controllers take to notice a change, and a namespace to be emptied, in milliseconds; real ones take up to 6 s for the latter. */
const noticeMs = 15;
const namespaceEndMs = 150;

const requireKind = (kinds: KindTable, group: string, resource: string): ServedKind => {
  const kind = kinds.find(group, resource);
  if (kind === undefined) throw new Error(`a cluster without ${resource}`);
  return kind;
};

/** Gives each namespace what it has by itself, and empties those that end. */
export function runNamespaceController(store: ObjectStore, kinds: KindTable, rootCertificate: string): void {
  const namespaces = requireKind(kinds, "", "namespaces");
  const accounts = requireKind(kinds, "", "serviceaccounts");
  const configMaps = requireKind(kinds, "", "configmaps");
  const rootName = "kube-root-ca.crt";

  function fill(name: string): void {
    const namespace = store.get(namespaces, undefined, name);
    if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return;
    if (store.get(accounts, name, "default") === undefined)
      store.insert(accounts, {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "default", namespace: name },
      });
    if (store.get(configMaps, name, rootName) !== undefined) return;
    const metadata = { name: rootName, namespace: name };
    store.insert(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "ca.crt": rootCertificate } });
  }

  function empty(name: string): void {
    const namespace = store.get(namespaces, undefined, name);
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    const content = store.listAll().filter(({ object }) => object.metadata.namespace === name);
    for (const { kind, object } of content) endObject(store, kind, object);
    // Pods take a while.
    if (store.listAll().some(({ object }) => object.metadata.namespace === name))
      setTimeout(() => empty(name), noticeMs);
    else store.remove(namespaces, namespace);
  }

  store.onChange(({ kind, before, after }) => {
    if (kind === namespaces && after !== undefined) {
      const { name, deletionTimestamp } = after.metadata;
      if (deletionTimestamp === undefined) {
        if (before === undefined) setTimeout(() => fill(name), noticeMs);
      } else if (before?.metadata.deletionTimestamp === undefined) setTimeout(() => empty(name), namespaceEndMs);
    }
    const isOwn =
      (kind === configMaps && before?.metadata.name === rootName) ||
      (kind === accounts && before?.metadata.name === "default");
    if (isOwn && after === undefined) setTimeout(() => fill(before?.metadata.namespace ?? ""), noticeMs);
  });
  // Those that are there already have it from the first call on: who looks at a cluster before and after something finds no difference of ours.
  for (const { kind, object } of store.listAll()) if (kind === namespaces) fill(object.metadata.name);
}

/** Removes what is owned by an object that is gone. */
export function runGarbageCollector(store: ObjectStore): void {
  const collect = (uid: string): void => {
    for (const { kind, object } of store.listAll()) {
      if (listAt(object, "metadata", "ownerReferences").some((owner) => textAt(owner, "uid") === uid))
        endObject(store, kind, object);
    }
  };
  store.onChange(({ before, after }) => {
    const uid = before?.metadata.uid;
    if (after === undefined && uid !== undefined) setTimeout(() => collect(uid), noticeMs);
  });
}

/** Takes up CustomResourceDefinitions, so that their kinds are served. */
export function runDefinitionController(store: ObjectStore, kinds: KindTable): void {
  const definitions = requireKind(kinds, "apiextensions.k8s.io", "customresourcedefinitions");
  const isEstablished = (definition: KubeObject): boolean =>
    listAt(definition, "status", "conditions").some((condition) => textAt(condition, "type") === "Established");

  function takeUp(name: string): void {
    const definition = store.get(definitions, undefined, name);
    if (definition === undefined) return;
    kinds.define(definition);
    if (isEstablished(definition)) return;
    const conditions = ["NamesAccepted", "Established"].map((type) => ({ type, status: "True" }));
    store.replace(definitions, definition, { ...definition, status: { conditions } });
  }

  store.onChange(({ kind, before, after }) => {
    if (kind !== definitions) return;
    if (after === undefined) {
      const custom = kinds.find(textAt(before, "spec", "group"), textAt(before, "spec", "names", "plural"));
      kinds.remove(before);
      if (custom !== undefined) for (const object of store.list(custom)) store.remove(custom, object);
    } else if (before?.["spec"] !== after["spec"]) setTimeout(() => takeUp(after.metadata.name), noticeMs);
  });
}
