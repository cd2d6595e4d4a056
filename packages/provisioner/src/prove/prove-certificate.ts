import { callUnary } from "./call-unary.ts";
import type { KubeClient } from "../kube/types.ts";
import { withGrpcSession } from "./with-grpc-session.ts";
import { describeMeshApiError } from "./mesh-api-errors.ts";
import { createCertificate } from "./protos.ts";
import { ProofFailure } from "./reasons.ts";
import { waitUnlessAborted } from "./time-limit.ts";
import { probeAccount, probeNamespace } from "./types.ts";
import { checkWorkloadCertificate, takeKeyAndRequest, type WorkloadCertificate } from "./workload-certificate.ts";
import type { TlsEndpoint } from "./tls-connection.ts";

/** The audience of workload tokens that istiod asks the API server to review (pkg/security, TokenAudiences). */
const tokenAudience = "istio-ca";
/** The shortest life an API server grants. */
const tokenLifetimeSeconds = 600;
const call = "the certificate request";

/** Where istiod's gRPC port is reached, without a protocol: that is HTTP/2. */
export type GrpcEndpoint = Omit<TlsEndpoint, "protocol" | "identity">;

/**
 * Gets a workload certificate for the probe's ServiceAccount from istiod, as a proxy does: a token of the mesh cluster for the
 * audience `istio-ca`, a CSR, `CreateCertificate`; then checks it. `lifetimeSeconds` is asked for; what was granted is in the
 * details. Fails with a ProofFailure.
 */
export async function requestWorkloadCertificate(options: {
  meshClient: KubeClient;
  endpoint: GrpcEndpoint;
  trustDomain: string;
  lifetimeSeconds: number;
  signal: AbortSignal;
}): Promise<WorkloadCertificate> {
  const { meshClient, endpoint, signal, lifetimeSeconds } = options;
  const spiffeId = `spiffe://${options.trustDomain}/ns/${probeNamespace}/sa/${probeAccount}`;
  const [token, { csr, privateKey }] = await Promise.all([
    requestProbeToken(meshClient, signal),
    takeKeyAndRequest(spiffeId),
  ]);
  const certChain = await withGrpcSession({ ...endpoint, protocol: "h2" }, signal, async (session, place) => {
    const request = { csr, validityDuration: lifetimeSeconds };
    const metadata = { authorization: `Bearer ${token}` };
    const response = await callUnary(session, createCertificate, request, { call, place, metadata, signal });
    return response.certChain;
  });
  return checkWorkloadCertificate(certChain, {
    spiffeId,
    privateKey,
    rootCertificates: endpoint.rootCertificates,
    nowMs: Date.now(),
  });
}

async function requestProbeToken(meshClient: KubeClient, signal: AbortSignal): Promise<string> {
  const requested = meshClient
    .requestToken(
      { namespace: probeNamespace, name: probeAccount },
      { audiences: [tokenAudience], expirationSeconds: tokenLifetimeSeconds },
    )
    .catch((error: unknown) => {
      throw describeMeshApiError(error, `request a token for the ServiceAccount ${probeNamespace}/${probeAccount}`);
    });
  const { token } = await waitUnlessAborted(requested, signal, describeSilence);
  return token;
}

function describeSilence(): ProofFailure {
  return new ProofFailure(
    "MeshApiUnavailable",
    "The mesh cluster's API server did not answer in time when asked for a token of the probe.",
  );
}
