import { openDiscoveryStream, type DiscoveryStream, type DiscoveryStreamOptions } from "./discovery-stream.ts";
import { prepareGround } from "./prepare-ground.ts";
import { requestWorkloadCertificate } from "./prove-certificate.ts";
import { withTimeLimit } from "./time-limit.ts";
import { defaultTimeoutMs, type ProofRequest } from "./types.ts";

/** As long as a proxy's by default; an open stream outlives it, only opening another one needs a new one. */
const certificateLifetimeSeconds = 86_400;

/**
 * Opens a long-lived ADS stream to a revision through the public edge: resolves its name, gets a workload certificate and
 * subscribes, all within `timeoutMs`. Istio's chart has istiod close every connection after about 30 minutes: `onDraining` comes
 * first, `onEnd` some seconds later; whoever wants to go on opens another stream. Fails with a ProofFailure.
 */
export async function openRevisionStream(
  request: ProofRequest & Pick<DiscoveryStreamOptions, "typeUrls" | "onResponse" | "onEnd" | "onDraining">,
): Promise<DiscoveryStream> {
  const { meshClient, revision, signal, timeoutMs = defaultTimeoutMs } = request;
  return withTimeLimit(timeoutMs, signal, async (limited) => {
    const { xds } = await prepareGround({ ...request, signal: limited });
    const { identity } = await requestWorkloadCertificate({
      meshClient,
      endpoint: xds,
      trustDomain: revision.trustDomain ?? "cluster.local",
      lifetimeSeconds: certificateLifetimeSeconds,
      signal: limited,
    });
    return openDiscoveryStream({
      endpoint: xds,
      identity,
      node: { revisionId: revision.id, ...(revision.version === undefined ? {} : { version: revision.version }) },
      ...(request.typeUrls === undefined ? {} : { typeUrls: request.typeUrls }),
      onResponse: request.onResponse,
      ...(request.onEnd === undefined ? {} : { onEnd: request.onEnd }),
      ...(request.onDraining === undefined ? {} : { onDraining: request.onDraining }),
      signal: limited,
    });
  });
}
