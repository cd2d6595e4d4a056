import type { KubeClient } from "../kube/types.ts";
import { describeMeshApiError } from "./mesh-api-errors.ts";
import { ProofFailure } from "./reasons.ts";
import { waitUnlessAborted } from "./time-limit.ts";
import { probeNamespace } from "./types.ts";

/** istiod writes its root into this ConfigMap of every namespace of the mesh cluster. */
const configMapName = "istio-ca-root-cert";
const key = "root-cert.pem";

/**
 * The mesh's root certificates (PEM) as the mesh cluster holds them for its workloads: from the probe namespace, or from
 * istio-system where istiod has not got to the probe namespace yet. Fails with RootCertificateMissing while there are none.
 */
export async function readRootCertificates(meshClient: KubeClient, signal: AbortSignal): Promise<string> {
  for (const namespace of [probeNamespace, "istio-system"]) {
    const ref = { apiVersion: "v1", kind: "ConfigMap", name: configMapName, namespace };
    const read = meshClient.get(ref).catch((error: unknown) => {
      throw describeMeshApiError(error, `read the ConfigMap ${namespace}/${configMapName}`);
    });
    const configMap = await waitUnlessAborted(read, signal, () => describeSilence(namespace));
    const data = configMap?.["data"];
    const pem = isRecord(data) ? data[key] : undefined;
    if (typeof pem === "string" && pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  }
  throw new ProofFailure(
    "RootCertificateMissing",
    `The mesh's root certificate is not published yet: istiod writes it to the ConfigMap ${probeNamespace}/${configMapName} once it runs and leads.`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function describeSilence(namespace: string): ProofFailure {
  return new ProofFailure(
    "MeshApiUnavailable",
    `The mesh cluster's API server did not answer in time when asked for the ConfigMap ${namespace}/${configMapName}.`,
  );
}
