import { z } from "zod";
import type { KubeObject } from "../kube/types.ts";
import { ProofFailure, type ProofDetails } from "./reasons.ts";
import { probeAccount, probeNamespace } from "./types.ts";

const container = z.object({
  name: z.string(),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
});
const podShape = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({ containers: z.array(container), initContainers: z.array(container).default([]) }),
});
const statusShape = z.object({ revision: z.string() });
const proxyConfigShape = z.object({ discoveryAddress: z.string().optional() });

/** What istiod leaves out of the proxy's configuration because it is the default (pkg/config/mesh). */
const defaultDiscoveryAddress = "istiod.istio-system.svc:15012";

/** What the sidecar of a revision must be told. */
export interface SidecarExpectation {
  revisionId: string;
  /** `host:port` for discovery and certificates. */
  address: string;
}

/**
 * A pod that asks for injection by a revision and would itself pass Pod Security's `restricted`; without traffic capture,
 * because the container for that would not.
 */
export function createProbePod(revisionId: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `pilothouse-probe-${revisionId}`,
      namespace: probeNamespace,
      labels: { "istio.io/rev": revisionId },
      annotations: { "sidecar.istio.io/interceptionMode": "NONE" },
    },
    spec: {
      serviceAccountName: probeAccount,
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "app",
          image: "pilothouse.invalid/probe",
          resources: { requests: { cpu: "1m", memory: "1Mi" }, limits: { cpu: "1m", memory: "1Mi" } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  };
}

/**
 * Checks that a pod carries the sidecar of the expected revision, as a container or as a native sidecar, and that this proxy will
 * ask for configuration and certificates at the expected address. `undefined` when there is no sidecar at all.
 */
export function checkSidecar(pod: unknown, expected: SidecarExpectation): ProofDetails | undefined {
  const parsed = podShape.safeParse(pod);
  if (!parsed.success) throw new ProofFailure("BadAnswer", "What came back for the probe pod is not a pod.");
  const { metadata, spec } = parsed.data;
  const native = spec.initContainers.find(({ name }) => name === "istio-proxy");
  const sidecar = native ?? spec.containers.find(({ name }) => name === "istio-proxy");
  if (sidecar === undefined) return undefined;

  const revision = parseJson(metadata.annotations["sidecar.istio.io/status"], statusShape)?.revision;
  if (revision !== undefined && revision !== expected.revisionId) {
    throw new ProofFailure(
      "WrongRevision",
      `The probe pod got the sidecar of revision ${revision} instead of ${expected.revisionId}: the injection webhook points to another istiod.`,
      { revision },
    );
  }
  const read = (name: string) => sidecar.env.find((entry) => entry.name === name)?.value;
  const proxyConfig = parseJson(read("PROXY_CONFIG"), proxyConfigShape);
  const discoveryAddress = proxyConfig?.discoveryAddress ?? defaultDiscoveryAddress;
  if (discoveryAddress !== expected.address) {
    throw new ProofFailure(
      "WrongDiscoveryAddress",
      `Injected proxies would ask for their configuration at ${discoveryAddress} instead of ${expected.address}: the mesh configuration's discoveryAddress is wrong.`,
      { discoveryAddress },
    );
  }
  // Without the variable the proxy asks where it asks for configuration.
  const caAddress = read("CA_ADDR") ?? discoveryAddress;
  if (caAddress !== expected.address) {
    throw new ProofFailure(
      "WrongCaAddress",
      `Injected proxies would ask for certificates at ${caAddress} instead of ${expected.address}: the injector's caAddress is wrong.`,
      { caAddress },
    );
  }
  return {
    discoveryAddress,
    caAddress,
    nativeSidecar: native !== undefined,
    ...(revision === undefined ? {} : { revision }),
  };
}

function parseJson<T>(text: string | undefined, shape: z.ZodType<T>): T | undefined {
  if (text === undefined) return undefined;
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
