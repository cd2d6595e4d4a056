import { expect, test } from "vitest";
import { clusterLabel, managedByLabel } from "../labels.ts";
import { listNeededRights, nameRights } from "./check-rights.ts";
import { listPilothouseRights } from "./pilothouse-rights.ts";
import { listPlanned, planObjects } from "./plan-objects.ts";

const rights = {
  lines: ["1.22", "1.32"].map((line) => ({
    line,
    clusterRules: [{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }],
    reviewRules: [{ apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] }],
    systemRules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["create"] }],
  })),
  customResourceDefinitions: ["gateways.networking.istio.io", "telemetries.telemetry.istio.io"],
};
const plan = planObjects("shop", rights, { anchorUid: "uid", ownsSystemNamespace: true });
const all = [plan.anchor, ...listPlanned(plan)];
const name = ({ kind, metadata }: (typeof all)[number]) =>
  `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;

test("every object carries the labels by which it is found again", () => {
  expect(
    all.filter(
      ({ metadata: { labels } }) => labels?.[managedByLabel] !== "pilothouse" || labels[clusterLabel] !== "shop",
    ),
  ).toEqual([]);
});

test("deleting the anchor takes all but istio-system along: owned by it, or in a namespace that is", () => {
  const isOwned = ({ metadata }: (typeof all)[number]) =>
    metadata.ownerReferences?.some(({ uid }) => uid === "uid") === true;
  const ownedNamespaces = all
    .filter((object) => object.kind === "Namespace" && isOwned(object))
    .map(({ metadata }) => metadata.name);
  const staying = all.filter(
    (object) => !isOwned(object) && !ownedNamespaces.includes(object.metadata.namespace ?? ""),
  );
  expect(staying.map(name)).toEqual(["ClusterRole pilothouse-anchor", "Namespace istio-system"]);
});

test("a tenant's istio-system isn't touched", () => {
  const other = planObjects("shop", rights, { anchorUid: "uid", ownsSystemNamespace: false });
  expect(other.namespaces.map(({ metadata }) => metadata.name)).toEqual(["pilothouse-system", "pilothouse-probe"]);
});

test("each line gets three roles, given to nobody", () => {
  const bound = plan.identities.flatMap(({ roleRef }) => (roleRef === undefined ? [] : [JSON.stringify(roleRef)]));
  const lineRoles = plan.roles
    .map(({ metadata }) => metadata.name)
    .filter((role) => role.startsWith("pilothouse-istiod-1.32"));
  expect(lineRoles).toEqual([
    "pilothouse-istiod-1.32",
    "pilothouse-istiod-1.32-reviews",
    "pilothouse-istiod-1.32-system",
  ]);
  expect(bound.filter((reference) => reference.includes("istiod"))).toEqual([]);
});

test("Pilothouse's rights name what can be named, and change no role", () => {
  const own = listPilothouseRights(["1.32"], rights.customResourceDefinitions);
  const everywhere = own.cluster.flatMap(({ resources = [], verbs, resourceNames }) =>
    resources.flatMap((resource) => verbs.map((verb) => ({ resource, verb, names: resourceNames ?? "any" }))),
  );
  expect([own.cluster, own.own, own.system, own.probe].flat().filter(({ verbs }) => verbs.includes("*"))).toEqual([]);
  expect(everywhere.filter(({ resource }) => resource.startsWith("secrets"))).toEqual([]);
  const changingAnything = everywhere.filter(({ verb, names }) => names === "any" && !["get", "list"].includes(verb));
  expect(new Set(changingAnything.map(({ resource }) => resource))).toEqual(
    new Set(["mutatingwebhookconfigurations", "validatingwebhookconfigurations", "clusterrolebindings"]),
  );
  expect(
    everywhere.filter(({ resource, verb }) => resource === "clusterroles" && verb === "bind").map(({ names }) => names),
  ).toEqual([["pilothouse-istiod-1.32", "pilothouse-istiod-1.32-system", "pilothouse-istiod-1.32-reviews"]]);
  expect(
    everywhere.filter(({ resource, verb }) => resource === "clusterroles" && !["get", "bind", "delete"].includes(verb)),
  ).toEqual([]);
});

test("installing the plan needs the right to give rights, and what is missing is named together", () => {
  const needed = listNeededRights(plan);
  expect(nameRights(needed.filter(({ verb }) => verb === "bind"))).toBe(
    "bind clusterroles.rbac.authorization.k8s.io (pilothouse); bind roles.rbac.authorization.k8s.io (pilothouse) in pilothouse-system; " +
      "bind roles.rbac.authorization.k8s.io (pilothouse) in istio-system; bind roles.rbac.authorization.k8s.io (pilothouse) in pilothouse-probe",
  );
  const aboutNamespaces = needed.filter(
    ({ resource, name: which }) => resource === "namespaces" && which !== "kube-system",
  );
  expect(nameRights(aboutNamespaces)).toBe(
    "get, create, patch namespaces (istio-system, pilothouse-system, pilothouse-probe)",
  );
  expect(nameRights(needed.filter(({ resource }) => resource === "serviceaccounts/token"))).toBe(
    "create serviceaccounts/token (pilothouse) in pilothouse-system",
  );
});
