import { expect, test } from "vitest";
import type { KubeObject } from "../kube/types.ts";
import type { Revision } from "../types.ts";
import { buildWebhooks } from "./render-webhooks.ts";

const revision: Revision = {
  id: "r1",
  tenant: "t",
  controlPlane: "c",
  version: {
    version: "1.32.0",
    line: "1.32",
    charts: { base: "/base", istiod: "/istiod" },
    image: { hub: "hub.example.com/istio", tag: "1.32.0", pullPolicy: "IfNotPresent" },
  },
  replicas: 1,
  tokenLifetimeSeconds: 3600,
};
const mesh = { id: "shop", server: "https://api.example.com" };
const selects = (key: string, values: string[]) => ({ matchExpressions: [{ key, operator: "In", values }] });
const service = { service: { name: "istiod", namespace: "istio-system", path: "/inject" } };
const chart: KubeObject[] = [
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "istio-sidecar-injector-r1", labels: { "helm.sh/chart": "istiod" } },
    webhooks: [
      {
        name: "rev.namespace.sidecar-injector.istio.io",
        clientConfig: service,
        failurePolicy: "Fail",
        namespaceSelector: selects("istio.io/rev", ["r1"]),
      },
      {
        name: "namespace.sidecar-injector.istio.io",
        clientConfig: service,
        failurePolicy: "Fail",
        namespaceSelector: selects("istio-injection", ["enabled"]),
      },
    ],
  },
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "istio-validator-r1-istio-system" },
    webhooks: [
      {
        name: "rev.validation.istio.io",
        clientConfig: service,
        failurePolicy: "Ignore",
        objectSelector: selects("istio.io/rev", ["r1"]),
      },
    ],
  },
];
const build = (excluded: string[] = []) =>
  buildWebhooks(chart, revision, { domain: "mesh.example.com" }, mesh, excluded);

test("webhooks call the public name, and only those of the revision are taken", () => {
  const { mutating, validating } = build();
  expect(mutating.forApply()["webhooks"]).toEqual([
    expect.objectContaining({
      name: "rev.namespace.sidecar-injector.istio.io",
      clientConfig: { url: "https://r1.mesh.example.com:443/inject" },
      failurePolicy: "Fail",
    }),
  ]);
  expect(validating.forApply()["webhooks"]).toEqual([
    expect.objectContaining({ clientConfig: { url: "https://r1.mesh.example.com:443/validate" } }),
  ]);
});

test("the first write brings the certificate, later ones say nothing of what istiod owns", () => {
  const { mutating, validating } = build();
  const caBundle = Buffer.from("PEM").toString("base64");
  expect(mutating.forCreate("PEM")).toMatchObject({
    webhooks: [{ clientConfig: { caBundle }, failurePolicy: "Fail" }],
  });
  expect(validating.forCreate("PEM")).toMatchObject({
    webhooks: [{ clientConfig: { caBundle }, failurePolicy: "Ignore" }],
  });
  expect(JSON.stringify([mutating.forApply(), validating.forApply()])).not.toContain("caBundle");
  expect(JSON.stringify(validating.forApply())).not.toContain("failurePolicy");
});

test("an apply says in any case which namespaces are meant, so that a limit of the first write ends", () => {
  const { mutating, validating } = build();
  expect(mutating.forApply()).toMatchObject({
    webhooks: [{ namespaceSelector: { matchExpressions: [{ key: "istio.io/rev" }] } }],
  });
  expect(validating.forApply()).toMatchObject({ webhooks: [{ namespaceSelector: { matchExpressions: [] } }] });
});

test("istiod finds them by its revision, Pilothouse by its own labels", () => {
  const { mutating, validating } = build();
  for (const configuration of [mutating, validating]) {
    expect(configuration.forApply().metadata).toEqual({
      name: configuration.name,
      labels: {
        "app.kubernetes.io/managed-by": "pilothouse",
        "pilothouse.io/cluster": "shop",
        "pilothouse.io/revision": "r1",
        "pilothouse.io/tenant": "t",
        "pilothouse.io/control-plane": "c",
        "istio.io/rev": "r1",
      },
    });
  }
});

test("excluded namespaces are never injected", () => {
  expect(build(["pilothouse-system"]).mutating.forApply()).toMatchObject({
    webhooks: [
      {
        namespaceSelector: {
          matchExpressions: [
            { key: "istio.io/rev" },
            { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["pilothouse-system"] },
          ],
        },
      },
    ],
  });
});

test("a chart without webhooks of the revision is refused", () => {
  const buildFromNothing = () => buildWebhooks([], revision, { domain: "mesh.example.com" }, mesh, []);
  expect(buildFromNothing).toThrow(expect.objectContaining({ code: "ChartUnknown" }));
  expect(buildFromNothing).toThrow(/istio-sidecar-injector-r1/);
});
