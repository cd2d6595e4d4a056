import { splitPem } from "./workload-certificate.ts";
import { readRootCertificates } from "./root-certificates.ts";
import { resolveHostname } from "./resolve-hostname.ts";
import { withTimeLimit } from "./time-limit.ts";
import { defaultPorts, defaultTimeoutMs, type ProofRequest } from "./types.ts";
import type { GrpcEndpoint } from "./prove-certificate.ts";
import type { TlsEndpoint } from "./tls-connection.ts";

/** What several proofs of one run stand on: looked up once, failing each of them that needs it. */
export interface Ground {
  rootCertificates: string;
  webhook: TlsEndpoint;
  xds: GrpcEndpoint;
}

/** Reads the mesh's root and resolves the revision's name, at the same time. Fails with a ProofFailure. */
export function prepareGround(request: ProofRequest): Promise<Ground> {
  const { meshClient, revision, provider, ports, signal, timeoutMs = defaultTimeoutMs } = request;
  const { hostname } = revision;
  return withTimeLimit(timeoutMs, signal, async (limited) => {
    const [rootCertificates, addresses] = await Promise.all([
      readRootCertificates(meshClient, limited),
      resolveHostname(hostname, provider.resolvers, limited),
    ]);
    const common = { hostname, addresses, rootCertificates };
    return {
      rootCertificates,
      webhook: { ...common, port: ports?.webhook ?? defaultPorts.webhook, protocol: "http/1.1" },
      xds: { ...common, port: ports?.xds ?? defaultPorts.xds },
    };
  });
}

/** The mesh's root certificates, PEM, one each; none when the ground could not be prepared: the proofs say why. */
export async function readRoots(ground: Promise<Ground>): Promise<string[]> {
  try {
    return splitPem((await ground).rootCertificates);
  } catch {
    return [];
  }
}
