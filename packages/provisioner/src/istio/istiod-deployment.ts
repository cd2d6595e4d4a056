import { z } from "zod";
import { ProvisionerError } from "../errors.ts";
import type { KubeObject } from "../kube/types.ts";
import type { Revision } from "../types.ts";
import {
  buildObjectMeta,
  configHashAnnotation,
  istiodName,
  kubeconfigMountPath,
  kubeconfigSecretName,
  type MeshFacts,
} from "./names.ts";

/** ConfigMaps in the revision's namespace that istiod finds as files. */
export const meshConfigMapName = "istio";
export const injectorConfigMapName = "istio-sidecar-injector";

/** User and group of istiod's official image; a number, so that `runAsNonRoot` can be checked, and the same for images without one. */
const istiodUser = 1337;

/**
 * Requests are what an idle istiod of a small mesh uses (112 MB were measured; the chart's 500m and 2 GiB are for a large one). Limits keep
 * one tenant from taking a node: memory for about 500 proxies (published measurements: 1 to 2 GB per 1,000), CPU so that a start stays quick.
 */
export const istiodResources = {
  requests: { cpu: "50m", memory: "128Mi" },
  limits: { cpu: "2", memory: "1Gi" },
};

const envEntry = z.looseObject({ name: z.string() });
const chartDeployment = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        containers: z
          .array(
            z.looseObject({ name: z.string(), image: z.string(), args: z.array(z.string()), env: z.array(envEntry) }),
          )
          .length(1),
      }),
    }),
  }),
});

/** Where istiod of both lines looks, seen from its working directory `/`, and which ConfigMap it finds there. All are read-only. */
const mounts = [
  { name: kubeconfigSecretName, mountPath: kubeconfigMountPath, readOnly: true },
  { name: "mesh-config", mountPath: "/etc/istio/config", readOnly: true },
  { name: "injector-config", mountPath: "/var/lib/istio/inject", readOnly: true },
];

export interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
}

/**
 * The pods of istiod, from the chart's Deployment: image, arguments and environment are the chart's where nothing is said here; the
 * rest is made anew, so that nothing of a newer chart slips in that reaches the istiod cluster's API.
 *
 * - No token of the istiod cluster: none is mounted, and the chart's volumes for `istio-token`, `cacerts` and other certificates are
 *   gone: the certificate authority is the mesh cluster's.
 * - The Secret with the kubeconfig is not optional: the pod waits for it.
 * - `--kubeconfig` besides `KUBECONFIG`: the newer line then ends with an error instead of looking elsewhere when the file is missing.
 * - 15010 (xDS without TLS) listens on loopback only: any pod of the istiod cluster could read a tenant's mesh there.
 * - Readiness is asked each second from the start: istiod takes 1 to 3 s, and the chart's period of 3 s would add up to 3 more. Five
 *   failures in a row take it out of the Service. There is no startup or liveness probe: istiod that can't become ready says why in
 *   its log, and a restart would hide that.
 * - On termination 2 s pass before istiod stops, in which the Service forgets the pod; it then ends as soon as it has given up its
 *   leases, within the 5 s that it may use. Proxies reconnect by themselves, to another replica where there is one. What an end does to
 *   a webhook's call in flight: docs/decisions/0012-calls-in-flight-when-istiod-ends.md.
 */
export function buildPodTemplate(
  chartObject: KubeObject,
  revision: Revision,
  mesh: MeshFacts,
  environment: Record<string, string>,
): PodTemplate {
  const parsed = chartDeployment.safeParse(chartObject);
  if (!parsed.success) throw unknownShape(revision, z.prettifyError(parsed.error));
  const [container] = parsed.data.spec.template.spec.containers;
  if (container === undefined) throw unknownShape(revision, "it has no container");
  const selector = selectPods(revision);
  return {
    metadata: {
      labels: {
        ...buildObjectMeta(revision, mesh, istiodName).labels,
        ...selector,
        "sidecar.istio.io/inject": "false",
      },
    },
    spec: {
      serviceAccountName: istiodName,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 20,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: istiodUser,
        runAsGroup: istiodUser,
        fsGroup: istiodUser,
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(revision.replicas > 1 ? { topologySpreadConstraints: spreadOver(selector) } : {}),
      containers: [
        {
          name: container.name,
          image: container.image,
          imagePullPolicy: revision.version.image.pullPolicy,
          workingDir: "/",
          args: [
            ...container.args,
            "--grpcAddr=127.0.0.1:15010",
            `--kubeconfig=${kubeconfigMountPath}/config`,
            "--meshConfig=/etc/istio/config/mesh",
            "--networksConfig=/etc/istio/config/meshNetworks",
            "--shutdownDuration=5s",
          ],
          env: mergeEnvironment(container.env, environment),
          ports: [
            { name: "http-ready", containerPort: 8080, protocol: "TCP" },
            { name: "tls-xds", containerPort: 15012, protocol: "TCP" },
            { name: "http-monitoring", containerPort: 15014, protocol: "TCP" },
            { name: "https-webhooks", containerPort: 15017, protocol: "TCP" },
          ],
          readinessProbe: {
            httpGet: { path: "/ready", port: 8080, scheme: "HTTP" },
            periodSeconds: 1,
            timeoutSeconds: 5,
            successThreshold: 1,
            failureThreshold: 5,
          },
          lifecycle: { preStop: { sleep: { seconds: 2 } } },
          resources: istiodResources,
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ["ALL"] },
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
          },
          terminationMessagePolicy: "FallbackToLogsOnError",
          volumeMounts: mounts,
        },
      ],
      volumes: [
        {
          name: kubeconfigSecretName,
          secret: { secretName: kubeconfigSecretName, defaultMode: 0o440, optional: false },
        },
        { name: "mesh-config", configMap: { name: meshConfigMapName, optional: false } },
        { name: "injector-config", configMap: { name: injectorConfigMapName, optional: false } },
      ],
    },
  };
}

/** The Deployment of istiod in its istiod cluster. A new pod is ready before an old one ends. `configHash` makes a change roll the pods. */
export function buildIstiodDeployment(
  revision: Revision,
  mesh: MeshFacts,
  template: PodTemplate,
  configHash: string,
): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: buildObjectMeta(revision, mesh, istiodName),
    spec: {
      replicas: revision.replicas,
      revisionHistoryLimit: 2,
      selector: { matchLabels: selectPods(revision) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        ...template,
        metadata: { ...template.metadata, annotations: { [configHashAnnotation]: configHash } },
      },
    },
  };
}

/** Labels by which Deployment, Service and disruption budget know the pods of a revision. */
export function selectPods(revision: Pick<Revision, "id">): Record<string, string> {
  return { app: istiodName, "istio.io/rev": revision.id };
}

/** The chart's entries, each replaced where there is one of the same name (twice is refused by server-side apply), then the others by name. */
function mergeEnvironment(chart: z.infer<typeof envEntry>[], environment: Record<string, string>): unknown[] {
  const rest = new Map(Object.entries(environment));
  const merged = chart.map((entry) => {
    const value = rest.get(entry.name);
    rest.delete(entry.name);
    return value === undefined ? entry : { name: entry.name, value };
  });
  return [
    ...merged,
    ...[...rest].toSorted(([a], [b]) => a.localeCompare(b, "en")).map(([name, value]) => ({ name, value })),
  ];
}

function spreadOver(matchLabels: Record<string, string>): unknown[] {
  return ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
    topologyKey,
    maxSkew: 1,
    // A replica on a shared node is better than none.
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels },
    matchLabelKeys: ["pod-template-hash"],
  }));
}

function unknownShape(revision: Revision, reason: string): ProvisionerError {
  return new ProvisionerError(
    "unknown",
    "ChartUnknown",
    `The chart ${revision.version.charts.istiod} has a Deployment that can't be used: ${reason}. Check that it is the istiod chart of Istio ${revision.version.version}.`,
    { parameter: "version.charts.istiod" },
  );
}
