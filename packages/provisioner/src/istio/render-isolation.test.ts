import { expect, test } from "vitest";
import { apiServerAddressesAnnotation, renderIsolation } from "./render-isolation.ts";

const revision = { id: "r1", tenant: "t", controlPlane: "c", replicas: 2 };
const mesh = { id: "shop" };
const render = (addresses: string[], sources = {}) =>
  renderIsolation(revision, mesh, { addresses, port: 6443 }, sources);
const find = (kind: string, name = "istiod") =>
  render(["10.0.0.1"]).find((object) => object.kind === kind && object.metadata.name === name);

test("the namespace comes first and enforces restricted Pod Security", () => {
  const [first] = render(["10.0.0.1"]);
  expect(first).toMatchObject({
    kind: "Namespace",
    metadata: {
      name: "r1",
      labels: { "pod-security.kubernetes.io/enforce": "restricted", "pilothouse.io/tenant": "t" },
    },
  });
});

test("all but the namespace lives in it", () => {
  expect(
    new Set(
      render(["10.0.0.1"])
        .slice(1)
        .map(({ metadata }) => metadata.namespace),
    ),
  ).toEqual(new Set(["r1"]));
});

test("the quota has room for a rollout and for nothing that reaches outside", () => {
  expect(find("ResourceQuota")).toMatchObject({
    spec: { hard: { pods: "5", "requests.cpu": "250m", "requests.memory": "640Mi", "services.loadbalancers": "0" } },
  });
});

test("nothing goes in or out unless a policy says so", () => {
  expect(find("NetworkPolicy", "deny-all")).toMatchObject({
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  });
  expect(find("NetworkPolicy", "deny-all")?.["spec"]).not.toHaveProperty("ingress");
});

test("istiod reaches DNS and the mesh cluster's API server, at its addresses only", () => {
  const policy = render(["10.0.0.2", "2001:DB8::1", "10.0.0.1", "10.0.0.1"]).at(-1);
  expect(policy).toMatchObject({
    spec: {
      egress: [
        {
          ports: [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 },
          ],
        },
        {
          to: [
            { ipBlock: { cidr: "10.0.0.1/32" } },
            { ipBlock: { cidr: "10.0.0.2/32" } },
            { ipBlock: { cidr: "2001:db8::1/128" } },
          ],
          ports: [{ protocol: "TCP", port: 6443 }],
        },
      ],
    },
  });
});

test("a node that answers DNS itself is reached, and when addresses of a name were seen is kept with them", () => {
  const seen = { "192.0.2.1": "2026-01-01T00:00:00.000Z" };
  const apiServer = { addresses: ["192.0.2.1"], port: 443, seen };
  const policy = renderIsolation(revision, mesh, apiServer).at(-1);
  expect(policy?.metadata.annotations).toEqual({ [apiServerAddressesAnnotation]: JSON.stringify(seen) });
  expect(policy).toMatchObject({
    spec: { egress: [{ to: [expect.anything(), { ipBlock: { cidr: "169.254.20.10/32" } }] }, expect.anything()] },
  });
  expect(render(["192.0.2.1"]).at(-1)?.metadata).not.toHaveProperty("annotations");
});

test("webhooks and xDS are open to the edge, metrics to monitoring, the debug port to nobody", () => {
  const policy = render(["10.0.0.1"], { edgeCidrs: ["192.0.2.7/32"] }).at(-1);
  expect(policy).toMatchObject({
    spec: {
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { "pilothouse.io/component": "edge" } } },
            { ipBlock: { cidr: "192.0.2.7/32" } },
          ],
          ports: [{ port: 15012 }, { port: 15017 }],
        },
        { ports: [{ port: 15014 }] },
      ],
    },
  });
  expect(JSON.stringify(policy)).not.toMatch(/8080|15010/);
});

test("an API server without an address, or with a wrong one, is refused", () => {
  expect(() => render([])).toThrow(expect.objectContaining({ kind: "transient", code: "NoApiServerAddress" }));
  expect(() => render(["api.example.com"])).toThrow(expect.objectContaining({ code: "InvalidAddress" }));
});
