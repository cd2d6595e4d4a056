import type { KubeClient, KubeObject } from "@pilothouse/provisioner";
import { waitFor } from "./wait-for.ts";

/** Namespace of the tests' workloads in a mesh cluster. */
export const workloadNamespace = "workloads";

/** Account of a workload without listeners of its own, whose sidecar is told of every service of the mesh. */
export const observerAccount = "observer";

/** Where the server's sidecar takes mutual TLS, and where the application behind it listens. */
export const serverPorts = { sidecar: 8443, application: 8080 } as const;

/** What the client's application calls: its own sidecar listens there. */
export const serverHost = "server.workloads.test";
export const servicePort = 9080;

const networking = "networking.istio.io/v1beta1";

/**
 * An Istio object for one revision: with the label, its webhook checks the object and no other revision takes it up.
 */
function describeObject(revision: string, apiVersion: string, kind: string, name: string, spec: object): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: { name, namespace: workloadNamespace, labels: { "istio.io/rev": revision } },
    spec,
  };
}

/** Takes from a revision's configuration what only Istio's own Envoy can load. Part of the tenant's configuration, like any other. */
function describePlainEnvoy(revision: string): KubeObject[] {
  const filter = { name: "envoy.filters.network.http_connection_manager", subFilter: { name: "istio.alpn" } };
  const match = { context: "SIDECAR_OUTBOUND", listener: { filterChain: { filter } } };
  return [
    describeObject(revision, "telemetry.istio.io/v1alpha1", "Telemetry", "no-istio-stats", {
      metrics: [{ overrides: [{ match: { metric: "ALL_METRICS", mode: "CLIENT_AND_SERVER" }, disabled: true }] }],
    }),
    describeObject(revision, "networking.istio.io/v1alpha3", "EnvoyFilter", "no-istio-alpn", {
      configPatches: [{ applyTo: "HTTP_FILTER", match, patch: { operation: "REMOVE" } }],
    }),
  ];
}

/** Gives a revision's workloads `client` and `server` the listeners that iptables would have made superfluous. */
function describeListeners(revision: string): KubeObject[] {
  const client = {
    workloadSelector: { labels: { app: "client" } },
    egress: [
      {
        port: { number: servicePort, protocol: "HTTP", name: "http" },
        bind: "127.0.0.1",
        captureMode: "NONE",
        hosts: ["./*"],
      },
    ],
  };
  const server = {
    workloadSelector: { labels: { app: "server" } },
    ingress: [
      {
        port: { number: serverPorts.sidecar, protocol: "HTTP", name: "http" },
        bind: "0.0.0.0",
        captureMode: "NONE",
        defaultEndpoint: `127.0.0.1:${serverPorts.application}`,
      },
    ],
    egress: [{ hosts: ["~/*"] }],
  };
  return [
    describeObject(revision, networking, "Sidecar", "client", client),
    describeObject(revision, networking, "Sidecar", "server", server),
  ];
}

/** A service of the mesh with one workload, to be called by mutual TLS alone. */
function describeServer(revision: string, address: string): KubeObject[] {
  const service = {
    hosts: [serverHost],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [{ number: servicePort, name: "http", protocol: "HTTP", targetPort: serverPorts.sidecar }],
    endpoints: [{ address, labels: { app: "server", "security.istio.io/tlsMode": "istio" }, serviceAccount: "server" }],
  };
  return [
    describeObject(revision, networking, "ServiceEntry", "server", service),
    describeObject(revision, networking, "DestinationRule", "server", {
      host: serverHost,
      trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } },
    }),
    describeObject(revision, "security.istio.io/v1beta1", "PeerAuthentication", "default", {
      mtls: { mode: "STRICT" },
    }),
  ];
}

/** A service outside the mesh, of which every sidecar in the namespace learns. */
export function describeOutsider(revision: string, name: string): KubeObject {
  return describeObject(revision, networking, "ServiceEntry", name, {
    hosts: [`${name}.outside.test`],
    location: "MESH_EXTERNAL",
    resolution: "STATIC",
    ports: [{ number: servicePort, name: "http", protocol: "HTTP" }],
    endpoints: [{ address: "192.0.2.2" }],
  });
}

/**
 * Makes the namespace of the tests' workloads with accounts `client`, `server` and that of the observer, gives the first two their listeners, and waits until istiod
 * has put the mesh's root certificate there.
 */
export async function applyWorkloads(client: KubeClient, revision: string): Promise<void> {
  await client.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: workloadNamespace } });
  for (const name of ["client", "server", observerAccount]) {
    await client.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: workloadNamespace } });
  }
  for (const object of [...describePlainEnvoy(revision), ...describeListeners(revision)]) await client.apply(object);
  const root = { apiVersion: "v1", kind: "ConfigMap", namespace: workloadNamespace, name: "istio-ca-root-cert" };
  const isThere = async (): Promise<boolean> => (await client.get(root)) !== undefined;
  await waitFor(`the mesh's root certificate in ${workloadNamespace}`, isThere, 20_000);
}

/** Tells the mesh of the service whose one workload is the server at an address. istiod knows proxies by their addresses. */
export async function applyServer(client: KubeClient, revision: string, address: string): Promise<void> {
  for (const object of describeServer(revision, address)) await client.apply(object);
}

/** Removes the namespace of the tests' workloads, and waits until it is gone. */
export async function removeWorkloads(client: KubeClient): Promise<void> {
  const ref = { apiVersion: "v1", kind: "Namespace", name: workloadNamespace };
  await client.delete(ref);
  await waitFor(`the end of namespace ${workloadNamespace}`, async () => (await client.get(ref)) === undefined, 30_000);
}
