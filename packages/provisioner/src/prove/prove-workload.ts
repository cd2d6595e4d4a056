import type { Ground } from "./prepare-ground.ts";
import { requestWorkloadCertificate } from "./prove-certificate.ts";
import { proveDiscovery } from "./prove-discovery.ts";
import { ProofFailure } from "./reasons.ts";
import { runProof } from "./run-proof.ts";
import { defaultTimeoutMs, type Proof, type ProofRequest } from "./types.ts";
import type { WorkloadCertificate } from "./workload-certificate.ts";

/** What is asked for; the probe's certificate serves one stream of some milliseconds. */
const certificateLifetimeSeconds = 3_600;

/** The two proofs of a workload, one after the other: discovery needs the certificate. Both need the ground. */
export async function proveWorkload(
  request: ProofRequest,
  ground: Promise<Ground>,
  wanted: { certificate: boolean; discovery: boolean },
): Promise<Proof<"certificate" | "discovery">[]> {
  if (!wanted.certificate && !wanted.discovery) return [];
  const { meshClient, revision, signal, timeoutMs = defaultTimeoutMs } = request;
  const limits = { timeoutMs, signal };
  let issued: WorkloadCertificate | undefined;
  const certificate = await runProof("certificate", limits, async (limited) => {
    issued = await requestWorkloadCertificate({
      meshClient,
      endpoint: (await ground).xds,
      trustDomain: revision.trustDomain ?? "cluster.local",
      lifetimeSeconds: certificateLifetimeSeconds,
      signal: limited,
    });
    return { message: "A workload gets a certificate of the mesh from istiod.", details: issued.details };
  });
  const shown = wanted.certificate ? [certificate] : [];
  if (!wanted.discovery) return shown;
  const discovery = await runProof("discovery", limits, async (limited) => {
    if (issued === undefined)
      throw new ProofFailure("NotTried", `Not tried without a certificate. ${certificate.message}`);
    const node = { revisionId: revision.id, ...(revision.version === undefined ? {} : { version: revision.version }) };
    return proveDiscovery({ endpoint: (await ground).xds, identity: issued.identity, node, signal: limited });
  });
  return [...shown, discovery];
}
