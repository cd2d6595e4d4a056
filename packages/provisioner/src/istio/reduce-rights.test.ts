import { expect, test } from "vitest";
import { reduceClusterRules, reduceSystemRules } from "./reduce-rights.ts";
import type { PolicyRule } from "./rights-types.ts";

/** Whether rules grant a verb on a resource, on any object or on a named one. */
function allows(rules: PolicyRule[], verb: string, group: string, resource: string, name?: string): boolean {
  return rules.some(
    (rule) =>
      rule.verbs.includes(verb) &&
      (rule.apiGroups ?? []).includes(group) &&
      (rule.resources ?? []).some((one) => one === resource || one === "*") &&
      (rule.resourceNames === undefined || (name !== undefined && rule.resourceNames.includes(name))),
  );
}

const wide = (group: string, resource: string, ...verbs: string[]): PolicyRule => ({
  apiGroups: [group],
  resources: [resource],
  verbs,
});
const all = ["get", "list", "watch", "create", "update", "patch", "delete"];

test.each(["1.22", "1.32"])("in %s istiod changes no ConfigMap but its own", (line) => {
  const rules = reduceClusterRules(line, [wide("", "configmaps", ...all)]);
  expect(allows(rules, "create", "", "configmaps")).toBe(true);
  expect(allows(rules, "update", "", "configmaps")).toBe(false);
  expect(allows(rules, "update", "", "configmaps", "istio-ca-root-cert")).toBe(true);
  expect(allows(rules, "delete", "", "configmaps", "istio-ca-root-cert")).toBe(false);
  expect(allows(rules, "patch", "", "configmaps", "istio-ca-root-cert")).toBe(false);
});

test("only the newer line reads all ConfigMaps, and an unknown one in between is taken for it", () => {
  const grants = (line: string) => reduceClusterRules(line, [wide("", "configmaps", ...all)]);
  expect(allows(grants("1.22"), "list", "", "configmaps")).toBe(false);
  expect(allows(grants("1.22"), "list", "", "configmaps", "istio-ca-root-cert")).toBe(true);
  expect(allows(grants("1.32"), "list", "", "configmaps")).toBe(true);
  expect(allows(grants("1.27"), "list", "", "configmaps")).toBe(true);
});

test("of the Gateway API only status is written", () => {
  const rules = reduceClusterRules("1.22", [
    wide("gateway.networking.k8s.io", "*", "get", "list", "watch", "update", "patch"),
    wide("gateway.networking.k8s.io", "gatewayclasses", "create", "update", "patch", "delete"),
  ]);
  expect(allows(rules, "list", "gateway.networking.k8s.io", "httproutes")).toBe(true);
  expect(allows(rules, "update", "gateway.networking.k8s.io", "httproutes")).toBe(false);
  expect(allows(rules, "update", "gateway.networking.k8s.io", "httproutes/status")).toBe(true);
  expect(allows(rules, "create", "gateway.networking.k8s.io", "gatewayclasses")).toBe(true);
  expect(allows(rules, "delete", "gateway.networking.k8s.io", "gatewayclasses")).toBe(false);
});

test("webhooks are updated, never patched, made or deleted", () => {
  const rules = reduceClusterRules("1.32", [
    wide("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "get", "list", "watch", "update", "patch"),
  ]);
  expect(rules).toEqual([
    {
      apiGroups: ["admissionregistration.k8s.io"],
      resources: ["mutatingwebhookconfigurations"],
      verbs: ["get", "list", "update", "watch"],
    },
  ]);
});

test("a star on status becomes what is done to it", () => {
  const rules = reduceClusterRules("1.32", [wide("networking.k8s.io", "ingresses/status", "*")]);
  expect(rules).toEqual([
    { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["patch", "update"] },
  ]);
});

test("groups that istiod has no business in are gone", () => {
  const groups = ["config.istio.io", "multicluster.x-k8s.io", "inference.networking.k8s.io"];
  expect(
    reduceClusterRules(
      "1.32",
      groups.map((group) => wide(group, "*", "get")),
    ),
  ).toEqual([]);
});

test("in istio-system istiod changes its certificate authority and the election locks only", () => {
  const chart = [
    wide("", "secrets", "create", "get", "watch", "list", "update", "delete"),
    wide("", "configmaps", "delete"),
    wide("coordination.k8s.io", "leases", "get", "update", "patch", "create"),
    wide("networking.istio.io", "gateways", "create"),
  ];
  const rules = reduceSystemRules("1.32", chart);
  expect(allows(rules, "update", "", "secrets")).toBe(false);
  expect(allows(rules, "update", "", "secrets", "istio-ca-secret")).toBe(true);
  expect(allows(rules, "delete", "", "secrets", "istio-ca-secret")).toBe(false);
  expect(allows(rules, "delete", "", "configmaps", "istio-leader")).toBe(false);
  expect(allows(rules, "update", "", "configmaps", "istio-leader")).toBe(true);
  expect(allows(rules, "create", "networking.istio.io", "gateways")).toBe(true);
  expect(allows(rules, "update", "coordination.k8s.io", "leases")).toBe(true);
  expect(allows(reduceSystemRules("1.22", chart), "update", "coordination.k8s.io", "leases")).toBe(false);
});

test("the same rights are written the same, in whatever order the chart has them", () => {
  const rules = [wide("", "pods", "list", "get"), wide("", "nodes", "get", "list"), wide("apps", "a", "get")];
  expect(reduceClusterRules("1.32", rules.toReversed())).toEqual(reduceClusterRules("1.32", rules));
});

test("a line that is none is refused", () => {
  expect(() => reduceClusterRules("latest", [])).toThrow(expect.objectContaining({ code: "InvalidLine" }));
});
