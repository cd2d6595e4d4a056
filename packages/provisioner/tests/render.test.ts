import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { listElectionConfigMapNames } from "../src/istio/istiod-leftovers.ts";
import { buildChartValues } from "../src/istio/chart-values.ts";
import { renderChart, type HelmSettings } from "../src/istio/helm-template.ts";
import { renderCrds } from "../src/istio/render-crds.ts";
import { renderIstiodChart } from "../src/istio/render-istiod-chart.ts";
import { renderIstiod, type RenderedIstiod } from "../src/istio/render-istiod.ts";
import { renderIstiodRights } from "../src/istio/render-rights.ts";
import type { IstiodRights } from "../src/istio/rights-types.ts";
import type { KubeObject } from "../src/kube/types.ts";
import type { IstioVersion, ProviderConfig, Revision } from "../src/types.ts";
import { readFleetParts } from "./fleet-parts.ts";

const provider: ProviderConfig = { domain: "mesh.example.com", allowedApiServerRanges: [], helm: "unused" };
const mesh = { id: "shop", server: "https://api.example.com:6443", certificateAuthority: "PEM\n" };
const xdsAddress = "r1.mesh.example.com:15012";

let settings: HelmSettings;
const versions = new Map<string, IstioVersion>();

beforeAll(async () => {
  const parts = await readFleetParts();
  settings = { helm: parts.helm };
  for (const version of parts.versions) versions.set(version.line, version);
});

function versionOf(line: string): IstioVersion {
  const version = versions.get(line);
  if (version === undefined) throw new Error(`the fleet has no charts of ${line}`);
  return version;
}

const buildRevision = (line: string, changes: Partial<Revision> = {}): Revision => ({
  id: "r1",
  tenant: "acme",
  controlPlane: "cp-1",
  version: versionOf(line),
  replicas: 1,
  tokenLifetimeSeconds: 3600,
  ...changes,
});

const env = z.array(z.looseObject({ name: z.string(), value: z.string().optional() }));
const podSpec = z.looseObject({
  containers: z
    .array(
      z.looseObject({
        image: z.string(),
        args: z.array(z.string()),
        env,
        volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
      }),
    )
    .length(1),
  volumes: z.array(z.looseObject({ name: z.string() })),
});
const deploymentSpec = z.looseObject({ template: z.looseObject({ spec: podSpec }) });
const mapData = z.record(z.string(), z.string());

function find(rendered: RenderedIstiod, kind: string, name = "istiod"): KubeObject {
  const found = rendered.istiodCluster.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

function readPod(rendered: RenderedIstiod) {
  const pod = deploymentSpec.parse(find(rendered, "Deployment")["spec"]).template.spec;
  const [container] = pod.containers;
  if (container === undefined) throw new Error("no container");
  return { pod, container, env: new Map(container.env.map(({ name, value }) => [name, value])) };
}

describe.each(["1.22", "1.32"])("line %s", (line) => {
  let rendered: RenderedIstiod;
  let rights: IstiodRights;

  beforeAll(async () => {
    rendered = await renderIstiod({ revision: buildRevision(line), provider, mesh }, settings);
    rights = await renderIstiodRights(versionOf(line), settings);
  });

  test("the base chart gives its CustomResourceDefinitions and nothing else", async () => {
    const crds = await renderCrds(versionOf(line), settings);
    expect(new Set(crds.map(({ kind }) => kind))).toEqual(new Set(["CustomResourceDefinition"]));
    const names = crds.map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(["gateways.networking.istio.io", "wasmplugins.extensions.istio.io"]));
    expect(names.includes("trafficextensions.extensions.istio.io")).toBe(line === "1.32");
    for (const { metadata } of crds) expect(metadata.labels).toEqual({ "app.kubernetes.io/part-of": "istio" });
  });

  test("the istiod cluster gets these objects, in this order, all in the revision's namespace", () => {
    expect(rendered.istiodCluster.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      "ServiceAccount istiod",
      "ConfigMap istio",
      "ConfigMap istio-sidecar-injector",
      "Service istiod",
      "Deployment istiod",
    ]);
    for (const { metadata } of rendered.istiodCluster) expect(metadata.namespace).toBe("r1");
  });

  test("istiod has no way to the istiod cluster's API", () => {
    const { pod, env: environment } = readPod(rendered);
    expect(pod["automountServiceAccountToken"]).toBe(false);
    expect(find(rendered, "ServiceAccount")["automountServiceAccountToken"]).toBe(false);
    expect(JSON.stringify(pod.volumes)).not.toMatch(/serviceAccountToken|projected|istio-ca-root-cert|cacerts/);
    expect(environment.get("KUBERNETES_SERVICE_HOST")).toBe("");
    expect(environment.get("LOCAL_CLUSTER_SECRET_WATCHER")).toBe("false");
  });

  test("its mesh cluster is told by environment and arguments, each once", () => {
    const { container, env: environment } = readPod(rendered);
    expect(container.env.length).toBe(environment.size);
    expect(Object.fromEntries(environment)).toMatchObject({
      POD_NAMESPACE: "istio-system",
      REVISION: "r1",
      CLUSTER_ID: "shop",
      ISTIOD_CUSTOM_HOST: "r1.mesh.example.com",
      KUBECONFIG: "/var/run/secrets/remote/config",
      INJECTION_WEBHOOK_CONFIG_NAME: "istio-sidecar-injector-r1",
      VALIDATION_WEBHOOK_CONFIG_NAME: "istio-validator-r1-istio-system",
      PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: "false",
    });
    for (const absent of ["SHARED_MESH_CONFIG", "TRUSTED_GATEWAY_CIDR", "PILOT_ENABLE_METADATA_EXCHANGE"]) {
      expect(environment.has(absent)).toBe(false);
    }
    expect(container.args).toContain("--grpcAddr=127.0.0.1:15010");
    expect(container.image).toBe(`${versionOf(line).image.hub}/pilot:${versionOf(line).image.tag}`);
  });

  test("its files are where istiod looks, seen from its working directory", () => {
    const { pod, container } = readPod(rendered);
    const volumes = new Map(pod.volumes.map((volume) => [volume.name, volume]));
    const mounted = Object.fromEntries(
      container.volumeMounts.map(({ mountPath, name }) => [mountPath, volumes.get(name)]),
    );
    expect(container["workingDir"]).toBe("/");
    expect(mounted).toMatchObject({
      "/var/run/secrets/remote": { secret: { secretName: "istio-kubeconfig", optional: false } },
      "/etc/istio/config": { configMap: { name: "istio", optional: false } },
      "/var/lib/istio/inject": { configMap: { name: "istio-sidecar-injector", optional: false } },
    });
    expect(Object.keys(mapData.parse(find(rendered, "ConfigMap", "istio")["data"]))).toEqual(["mesh", "meshNetworks"]);
    expect(Object.keys(mapData.parse(find(rendered, "ConfigMap", "istio-sidecar-injector")["data"]))).toEqual([
      "config",
      "values",
    ]);
  });

  test("proxies get the public address for configuration and certificates", () => {
    const { mesh: meshConfig } = mapData.parse(find(rendered, "ConfigMap", "istio")["data"]);
    expect(parse(meshConfig ?? "")).toMatchObject({
      defaultConfig: { discoveryAddress: xdsAddress },
      rootNamespace: "istio-system",
    });
    const injector = mapData.parse(find(rendered, "ConfigMap", "istio-sidecar-injector")["data"]);
    expect(JSON.parse(injector["values"] ?? "")).toMatchObject({
      revision: "r1",
      global: { caAddress: xdsAddress, multiCluster: { clusterName: "shop" }, istioNamespace: "istio-system" },
    });
    const config = z.looseObject({
      policy: z.literal("enabled"),
      templates: z.looseObject({ sidecar: z.string().min(1) }),
    });
    expect(config.safeParse(parse(injector["config"] ?? "")).success).toBe(true);
  });

  test("the pod is as restricted as Pod Security asks", () => {
    const { pod, container } = readPod(rendered);
    expect(pod["securityContext"]).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(container["securityContext"]).toMatchObject({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    });
  });

  test("more than one replica are spread and have a disruption budget", async () => {
    const two = await renderIstiod({ revision: buildRevision(line, { replicas: 2 }), provider, mesh }, settings);
    expect(find(two, "PodDisruptionBudget")).toMatchObject({ spec: { maxUnavailable: 1 } });
    expect(readPod(two).pod["topologySpreadConstraints"]).toHaveLength(2);
    expect(readPod(rendered).pod["topologySpreadConstraints"]).toBeUndefined();
  });

  test("the hash changes with what istiod reads at its start, and only then", async () => {
    const hashOf = async (change: {
      mesh?: Partial<typeof mesh>;
      plainEnvoy?: boolean;
      revision?: Partial<Revision>;
    }) =>
      (
        await renderIstiod(
          {
            revision: buildRevision(line, change.revision),
            provider,
            mesh: { ...mesh, ...change.mesh },
            options: { plainEnvoy: change.plainEnvoy ?? false },
          },
          settings,
        )
      ).configHash;
    expect(await hashOf({})).toBe(rendered.configHash);
    expect(await hashOf({ revision: { tokenLifetimeSeconds: 7200 } })).toBe(rendered.configHash);
    expect(await hashOf({ mesh: { server: "https://other.example.com" } })).not.toBe(rendered.configHash);
    expect(await hashOf({ mesh: { certificateAuthority: "OTHER\n" } })).not.toBe(rendered.configHash);
    expect(await hashOf({ plainEnvoy: true })).not.toBe(rendered.configHash);
    expect(JSON.stringify(find(rendered, "Deployment"))).toContain(
      `"pilothouse.io/config-hash":"${rendered.configHash}"`,
    );
  });

  test("rendering once for all revisions of a version gives each what the chart gives it alone", async () => {
    const { charts } = versionOf(line);
    for (const [id, meshId] of [
      ["r1", "shop"],
      ["orders-1-32-abcde", "0d4b7c1e-2f7a-4b58-9c57-3f0e6f3c9a10"],
      ["a-very-long-name-of-a-revision-that-yaml-might-fold-into-two-lines", "x"],
    ] as const) {
      const request = { revision: buildRevision(line, { id }), provider, mesh: { id: meshId } };
      const values = buildChartValues(request.revision, provider, request.mesh);
      const alone = await renderChart(
        { chart: charts.istiod },
        { release: "istiod", namespace: "istio-system", values },
        settings,
      );
      expect(await renderIstiodChart(request, settings)).toEqual(alone);
    }
  });

  test("two webhooks inject and one validates, each for this revision alone", () => {
    const { mutating, validating } = rendered.meshCluster;
    expect(mutating.name).toBe("istio-sidecar-injector-r1");
    expect(validating.name).toBe("istio-validator-r1-istio-system");
    expect(mutating.forApply()["webhooks"]).toMatchObject([
      {
        name: "rev.namespace.sidecar-injector.istio.io",
        clientConfig: { url: "https://r1.mesh.example.com:443/inject" },
        failurePolicy: "Fail",
        namespaceSelector: {
          matchExpressions: [
            { key: "istio.io/rev", operator: "In", values: ["r1"] },
            { key: "istio-injection", operator: "DoesNotExist" },
            { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["pilothouse-system"] },
          ],
        },
      },
      { name: "rev.object.sidecar-injector.istio.io" },
    ]);
    expect(validating.forCreate("PEM")["webhooks"]).toMatchObject([
      {
        name: "rev.validation.istio.io",
        clientConfig: { url: "https://r1.mesh.example.com:443/validate" },
        failurePolicy: "Ignore",
        objectSelector: { matchExpressions: [{ key: "istio.io/rev", operator: "In", values: ["r1"] }] },
      },
    ]);
  });

  test("no right of istiod's exceeds those of the chart", async () => {
    const chart = await renderChart(
      { chart: versionOf(line).charts.istiod },
      { release: "istiod", namespace: "istio-system", values: {} },
      settings,
    );
    const ruleSchema = z.array(
      z.looseObject({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }),
    );
    const granted = chart
      .filter(({ kind }) => kind === "ClusterRole" || kind === "Role")
      .flatMap((role) => ruleSchema.parse(role["rules"]));
    const isGranted = (group: string, resource: string, verb: string) =>
      granted.some(
        (rule) =>
          rule.apiGroups.includes(group) &&
          rule.resources.some((one) => one === resource || one === "*") &&
          rule.verbs.some((one) => one === verb || one === "*"),
      );
    for (const { apiGroups = [], resources = [], verbs } of [...rights.clusterRules, ...rights.systemRules]) {
      for (const group of apiGroups) {
        for (const resource of resources) {
          for (const verb of verbs)
            expect({ group, resource, verb, granted: isGranted(group, resource, verb) }).toMatchObject({
              granted: true,
            });
        }
      }
    }
  });

  test("istiod may not change workloads, nor Secrets but its certificate authority's", () => {
    const writes = rights.clusterRules
      .filter(({ verbs }) => verbs.some((verb) => !["get", "list", "watch"].includes(verb)))
      .flatMap(({ apiGroups = [], resources = [], resourceNames }) =>
        apiGroups.flatMap((group) =>
          resources.map((resource) => `${group}/${resource}${resourceNames === undefined ? "" : " named"}`),
        ),
      );
    expect(writes).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(apps|\/secrets|\/services|\/serviceaccounts|\/pods)/)]),
    );
    expect(writes).toEqual(
      expect.arrayContaining(["authentication.k8s.io/tokenreviews", "authorization.k8s.io/subjectaccessreviews"]),
    );
    expect(rights.systemRules).toContainEqual({
      apiGroups: [""],
      resources: ["configmaps"],
      resourceNames: listElectionConfigMapNames(line).toSorted(),
      verbs: ["get", "update"],
    });
    expect(rights.line).toBe(line);
  });
});

test("a reference to a chart that is not there, and to one that is another, is explained", async () => {
  const version = versionOf("1.32");
  const at = (charts: Partial<IstioVersion["charts"]>) => ({ ...version, charts: { ...version.charts, ...charts } });
  await expect(renderCrds(at({ base: "/does/not/exist" }), settings)).rejects.toMatchObject({
    kind: "user",
    code: "ChartNotFound",
  });
  await expect(renderCrds(at({ base: "unknown-repository/base" }), settings)).rejects.toMatchObject({
    code: "ChartNotFound",
  });
  await expect(renderCrds(at({ base: version.charts.istiod }), settings)).rejects.toMatchObject({ code: "NoCrds" });
  await expect(renderIstiodRights(at({ istiod: version.charts.base }), settings)).rejects.toMatchObject({
    code: "NoRights",
  });
  const revision = { ...buildRevision("1.32"), version: at({ istiod: version.charts.base }) };
  await expect(renderIstiod({ revision, provider, mesh }, settings)).rejects.toMatchObject({ code: "ChartUnknown" });
});
