import {
  caSecretName,
  listElectionConfigMapNames,
  revocationConfigMapName,
  rootCertConfigMapName,
} from "./istiod-leftovers.ts";
import type { PolicyRule } from "./rights-types.ts";
import { isNewerThanOldest } from "./version-line.ts";

/** One verb on one resource. `name` is set when the rule holds for one object only. */
interface Grant {
  group: string;
  resource: string;
  verb: string;
  name?: string;
}

const read = ["get", "list", "watch"];

/** Resources of the Gateway API whose status istiod writes. The older chart says `*`, which would allow to change the tenant's routes. */
const gatewayStatusResources = [
  "backendtlspolicies",
  "gatewayclasses",
  "gateways",
  "grpcroutes",
  "httproutes",
  "referencegrants",
  "tcproutes",
  "tlsroutes",
  "udproutes",
].map((resource) => `${resource}/status`);

/**
 * Groups that istiod, as Pilothouse runs it, has no business in: the first four have no CRD in any line since 1.6 or belong to a Gateway API
 * nobody serves any more; inference and multi-cluster services are off unless asked for by environment, which Pilothouse does not.
 */
const unusedGroups = new Set([
  "config.istio.io",
  "authentication.istio.io",
  "rbac.istio.io",
  "networking.x-k8s.io",
  "inference.networking.k8s.io",
  "multicluster.x-k8s.io",
]);

/** Reduces what the chart grants in the whole cluster. The reasons are told at `renderIstiodRights`. */
export function reduceClusterRules(line: string, rules: PolicyRule[]): PolicyRule[] {
  const newer = isNewerThanOldest(line);
  const grants = expandRules(rules)
    .filter((grant) => !unusedGroups.has(grant.group))
    .flatMap((grant): Grant[] => {
      const { group, resource, verb } = grant;
      switch (`${group}/${resource}`) {
        case "/configmaps":
          if (verb === "create" || (newer && read.includes(verb))) return [grant];
          return verb === "update" || read.includes(verb) ? limitTo(grant, distributedConfigMapNames(newer)) : [];
        case "/endpoints":
        case "/services/status":
        case "security.istio.io/authorizationpolicies/status":
          return [];
        case "admissionregistration.k8s.io/mutatingwebhookconfigurations":
          return verb === "patch" ? [] : [grant];
        case "networking.k8s.io/ingresses/status":
        case "extensions/ingresses/status":
          return onStatus(grant);
        case "gateway.networking.k8s.io/gatewayclasses":
          return verb === "create" ? [grant] : [];
        case "gateway.networking.k8s.io/*":
          return read.includes(verb)
            ? [grant]
            : gatewayStatusResources.map((status) => ({ group, resource: status, verb }));
        default:
          return resource.endsWith("/status") ? onStatus(grant) : [grant];
      }
    });
  return collectRules(grants);
}

/** Reduces what the chart grants in istiod's own namespace, and adds what the cluster-wide reduction has moved there. */
export function reduceSystemRules(line: string, rules: PolicyRule[]): PolicyRule[] {
  const grants = expandRules(rules).flatMap((grant): Grant[] => {
    switch (`${grant.group}/${grant.resource}`) {
      case "/secrets":
        if (grant.verb === "create") return [grant];
        return ["get", "update"].includes(grant.verb) ? limitTo(grant, [caSecretName]) : [];
      case "/configmaps":
        return [];
      case "coordination.k8s.io/leases":
        return isNewerThanOldest(line) && grant.verb !== "patch" ? [grant] : [];
      default:
        return [grant];
    }
  });
  const elections = ["get", "update"].flatMap((verb) =>
    limitTo({ group: "", resource: "configmaps", verb }, listElectionConfigMapNames(line)),
  );
  return collectRules([...grants, ...elections]);
}

function distributedConfigMapNames(newer: boolean): string[] {
  return newer ? [rootCertConfigMapName, revocationConfigMapName] : [rootCertConfigMapName];
}

/** Status is only ever read, updated or patched; a chart's other verbs on it have no effect. */
function onStatus(grant: Grant): Grant[] {
  if (grant.verb === "*") return ["update", "patch"].map((verb) => ({ ...grant, verb }));
  return ["update", "patch"].includes(grant.verb) ? [grant] : [];
}

function limitTo(grant: Grant, names: string[]): Grant[] {
  return names.map((name) => ({ ...grant, name }));
}

function expandRules(rules: PolicyRule[]): Grant[] {
  return rules.flatMap((rule) =>
    (rule.apiGroups ?? []).flatMap((group) =>
      (rule.resources ?? []).flatMap((resource) =>
        rule.verbs.flatMap((verb): Grant[] =>
          rule.resourceNames === undefined
            ? [{ group, resource, verb }]
            : rule.resourceNames.map((name) => ({ group, resource, verb, name })),
        ),
      ),
    ),
  );
}

/** Writes grants as rules: sorted, each grant once, resources of one group with the same verbs and names together. */
function collectRules(grants: Grant[]): PolicyRule[] {
  const verbs = Map.groupBy(grants, ({ group, resource, name }) => JSON.stringify([group, resource, name ?? ""]));
  const perObject = [...verbs.values()].flatMap((same) => {
    const [first] = same;
    return first === undefined ? [] : [{ ...first, verbs: sortUnique(same.map(({ verb }) => verb)) }];
  });
  const rules = Map.groupBy(perObject, (one) =>
    JSON.stringify([one.group, one.verbs, one.name === undefined ? "" : one.resource]),
  );
  return [...rules.keys()].toSorted().flatMap((key): PolicyRule[] => {
    const members = rules.get(key) ?? [];
    const [first] = members;
    if (first === undefined) return [];
    const names = sortUnique(members.flatMap(({ name }) => (name === undefined ? [] : [name])));
    return [
      {
        apiGroups: [first.group],
        resources: sortUnique(members.map(({ resource }) => resource)),
        ...(names.length > 0 ? { resourceNames: names } : {}),
        verbs: first.verbs,
      },
    ];
  });
}

function sortUnique(values: string[]): string[] {
  return [...new Set(values)].toSorted();
}
