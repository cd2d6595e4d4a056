import { matchesSelector } from "./selectors.ts";
import { isRecord, listAt, stringsAt, textAt, valueAt } from "./values.ts";
import type { IstiodSettings } from "./istiod.ts";

/** A call of the mesh cluster's API with istiod's own identity. */
export type MeshCall = (method: string, url: string, body?: unknown) => Promise<{ status: number; body: unknown }>;

/** How soon istiod acts on a change that it watches for, in milliseconds. */
const noticeMs = 20;
const leasesOfNobody = new Set(["kube-node-lease", "kube-public", "kube-system"]);
const watched = new Set([
  "namespaces",
  "configmaps",
  "mutatingwebhookconfigurations",
  "validatingwebhookconfigurations",
]);
const isNewer = ({ version }: IstiodSettings): boolean => Number(/^1\.(\d+)/.exec(version)?.[1] ?? 0) > 22;

const withManager = (url: string): string => `${url}?fieldManager=pilot-discovery`;

/** Writes into the mesh cluster what istiod writes there, and keeps it so while istiod runs. */
export function keepMeshPrepared(settings: IstiodSettings, rootCertificate: string, call: MeshCall): void {
  const { mesh, signal } = settings;
  let isDue = false;
  const prepare = async (): Promise<void> => {
    isDue = false;
    if (signal.aborted) return;
    await distribute(settings, rootCertificate, call);
    await patchWebhooks(settings, rootCertificate, call);
  };
  const notice = (): void => {
    if (isDue || signal.aborted) return;
    isDue = true;
    setTimeout(() => void prepare().catch(() => setTimeout(notice, 1_000)), noticeMs);
  };
  mesh.store.onChange(({ kind, before, after }) => {
    const isOwn =
      kind.resource === "configmaps" && (after !== undefined || before?.metadata.name.startsWith("istio-ca-") !== true);
    if (watched.has(kind.resource) && !isOwn) notice();
  }, signal);
  void elect(settings, call).catch(() => undefined);
  notice();
}

const createIn = async (
  call: MeshCall,
  namespace: string,
  name: string,
  data: Record<string, string>,
): Promise<void> => {
  const url = `/api/v1/namespaces/${namespace}/configmaps`;
  const found = await call("GET", `${url}/${name}`);
  const metadata = { name, namespace, labels: { "istio.io/config": "true" } };
  const wanted = { apiVersion: "v1", kind: "ConfigMap", metadata, data };
  if (found.status === 404) await call("POST", withManager(url), wanted);
  else if (JSON.stringify(stringsAt(found.body, "data")) !== JSON.stringify(data) && isRecord(found.body))
    await call("PUT", withManager(`${url}/${name}`), { ...found.body, data });
};

/** The mesh's root in every namespace, for proxies; the newer line adds an empty revocation list. */
async function distribute(settings: IstiodSettings, rootCertificate: string, call: MeshCall): Promise<void> {
  const { body } = await call("GET", "/api/v1/namespaces");
  for (const namespace of listAt(body, "items")) {
    const name = textAt(namespace, "metadata", "name");
    if (leasesOfNobody.has(name) || valueAt(namespace, "metadata", "deletionTimestamp") !== undefined) continue;
    await createIn(call, name, "istio-ca-root-cert", { "root-cert.pem": rootCertificate });
    if (isNewer(settings)) await createIn(call, name, "istio-ca-crl", { "ca-crl.pem": "" });
  }
}

/** The locks with which istiods of a mesh cluster agree who does what. */
async function elect(settings: IstiodSettings, call: MeshCall): Promise<void> {
  const locks = ["istio-leader", "istio-namespace-controller-election", "istio-gateway-status-leader"];
  const holder = JSON.stringify({ holderIdentity: settings.podName });
  const annotations = { "control-plane.alpha.kubernetes.io/leader": holder };
  const namespace = "istio-system";
  for (const name of [...locks, ...(isNewer(settings) ? ["istio-ip-autoallocate"] : [])]) {
    const metadata = { name, namespace, annotations };
    await call("POST", withManager(`/api/v1/namespaces/${namespace}/configmaps`), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata,
    });
  }
  if (!isNewer(settings)) return;
  const metadata = { name: `istio-gateway-status-leader-${settings.revision}`, namespace };
  const lease = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata,
    spec: { holderIdentity: settings.podName },
  };
  await call("POST", withManager(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`), lease);
}

/** Puts the mesh's root into the revision's webhooks, and closes the validator once it holds for all namespaces. */
async function patchWebhooks({ revision }: IstiodSettings, rootCertificate: string, call: MeshCall): Promise<void> {
  const caBundle = Buffer.from(rootCertificate).toString("base64");
  for (const resource of ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]) {
    const url = `/apis/admissionregistration.k8s.io/v1/${resource}`;
    const { body } = await call("GET", `${url}?labelSelector=${encodeURIComponent(`istio.io/rev=${revision}`)}`);
    for (const configuration of listAt(body, "items")) {
      const webhooks = listAt(configuration, "webhooks");
      const patched = webhooks.map((webhook) => {
        const isOpen = textAt(webhook, "failurePolicy") === "Ignore" && isForAll(webhook);
        const isCurrent = textAt(webhook, "clientConfig", "caBundle") === caBundle && !isOpen;
        if (isCurrent || !isRecord(webhook)) return webhook;
        const clientConfig = { url: textAt(webhook, "clientConfig", "url"), caBundle };
        return { ...webhook, clientConfig, ...(isOpen ? { failurePolicy: "Fail" } : {}) };
      });
      if (patched.every((webhook, index) => webhook === webhooks[index]) || !isRecord(configuration)) continue;
      const name = textAt(configuration, "metadata", "name");
      await call("PUT", withManager(`${url}/${name}`), { ...configuration, webhooks: patched });
    }
  }
}

const isForAll = (webhook: unknown): boolean =>
  matchesSelector(valueAt(webhook, "namespaceSelector"), { "kubernetes.io/metadata.name": "istio-system" });
