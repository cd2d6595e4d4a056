import { prepareGround, readRoots } from "./prepare-ground.ts";
import { proveAdmission } from "./prove-admission.ts";
import { proveInjection } from "./prove-injection.ts";
import { proveWorkload } from "./prove-workload.ts";
import { runProof } from "./run-proof.ts";
import { defaultPorts, defaultTimeoutMs, type Proof, type ProofRequest, type RevisionProofName } from "./types.ts";

const all: readonly RevisionProofName[] = ["admission", "injection", "certificate", "discovery"];

/**
 * Proves that a revision serves its mesh cluster, all of it through the public edge: the API server refuses an invalid object
 * with istiod's words, a pod gets the revision's sidecar, a workload gets a certificate, and a proxy gets its configuration.
 * Stores nothing in the mesh cluster, and has closed every connection it opened itself when it returns.
 *
 * @param request.only a subset; all four when absent
 * @returns the proofs in that order, never throwing for a failed one, and the mesh's root certificates
 *   (PEM, one each), where certificate or discovery needed them and they are known
 */
export async function proveRevision(
  request: ProofRequest & { only?: readonly RevisionProofName[] },
): Promise<{ proofs: Proof<RevisionProofName>[]; rootCertificates: string[] }> {
  const { meshClient, revision, ports, signal, timeoutMs = defaultTimeoutMs } = request;
  const wanted = new Set(request.only ?? all);
  const limits = { timeoutMs, signal };
  const xdsPort = ports?.xds ?? defaultPorts.xds;
  const needsGround = wanted.has("certificate") || wanted.has("discovery");
  const ground = needsGround ? prepareGround(request) : undefined;
  const [admission, injection, workload, rootCertificates] = await Promise.all([
    wanted.has("admission")
      ? runProof("admission", limits, (limited) => proveAdmission(meshClient, revision, limited))
      : undefined,
    wanted.has("injection")
      ? runProof("injection", limits, (limited) => proveInjection(meshClient, revision, xdsPort, limited))
      : undefined,
    ground === undefined
      ? []
      : proveWorkload(request, ground, {
          certificate: wanted.has("certificate"),
          discovery: wanted.has("discovery"),
        }),
    ground === undefined ? [] : readRoots(ground),
  ]);
  const proofs = [admission, injection, ...workload].filter((proof) => proof !== undefined);
  return { proofs, rootCertificates };
}
