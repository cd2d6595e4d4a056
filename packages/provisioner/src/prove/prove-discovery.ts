import { setTimeout as sleep } from "node:timers/promises";
import { describeNoAnswer } from "./call-unary.ts";
import {
  clusterType,
  listenerType,
  openDiscoveryStream,
  type DiscoveryResponse,
  type DiscoveryStream,
  type ProbeNode,
} from "./discovery-stream.ts";
import { describeStreamEnd } from "./grpc-failures.ts";
import type { GrpcEndpoint } from "./prove-certificate.ts";
import { ProofFailure } from "./reasons.ts";
import type { ProofOutcome } from "./run-proof.ts";
import { describeAbort } from "./time-limit.ts";
import type { ClientIdentity } from "./tls-connection.ts";
import type { ConnectionPlace } from "./tls-errors.ts";

const call = "the discovery stream";
/** After the last acknowledgement has arrived: long enough for istiod to end a stream it objects to. */
const settleMs = 20;

/**
 * Proves that a proxy gets its configuration: an ADS stream as the probe's workload is answered for clusters and for
 * listeners, takes both acknowledgements, and stays open; then it is closed. Fails with a ProofFailure.
 */
export async function proveDiscovery(options: {
  endpoint: GrpcEndpoint;
  identity: ClientIdentity;
  node: ProbeNode;
  signal: AbortSignal;
}): Promise<ProofOutcome> {
  const { signal } = options;
  const seen = new Map<string, DiscoveryResponse>();
  const done = Promise.withResolvers<void>();
  // Whoever waits sees it; before and after that nobody does.
  done.promise.catch(() => {});
  let opened: DiscoveryStream | undefined;
  const onAbort = () => done.reject(describeAbort(signal, describeMissing(seen, opened?.place)));
  signal.addEventListener("abort", onAbort, { once: true });
  let ended: ProofFailure | undefined;
  try {
    opened = await openDiscoveryStream({
      ...options,
      onResponse: (response) => {
        seen.set(response.typeUrl, response);
        const failure = checkResponse(response);
        if (failure !== undefined) done.reject(failure);
        else if (seen.has(clusterType) && seen.has(listenerType)) done.resolve();
      },
      onEnd: (end, place) => {
        ended = describeStreamEnd(end, place, call);
        done.reject(ended);
      },
    });
    if (signal.aborted) onAbort();
    await done.promise;
    // Once the ping is answered, istiod has the acknowledgements.
    await opened.ping().catch(() => {});
    await sleep(settleMs);
    if (ended !== undefined) throw ended;
    return describeProven(seen);
  } finally {
    signal.removeEventListener("abort", onAbort);
    await opened?.close();
  }
}

function checkResponse({ typeUrl, problem, resourceNames }: DiscoveryResponse): ProofFailure | undefined {
  if (problem !== undefined) {
    return new ProofFailure("MalformedResources", `istiod sent what a proxy would refuse: ${problem}.`);
  }
  if (resourceNames.length > 0) return undefined;
  return typeUrl === clusterType
    ? new ProofFailure("NoClusters", "istiod answered the probe's proxy without a single cluster.")
    : new ProofFailure("NoListeners", "istiod answered the probe's proxy without a single listener.");
}

function describeMissing(seen: Map<string, DiscoveryResponse>, place: ConnectionPlace | undefined): ProofFailure {
  if (place === undefined) return new ProofFailure("NoAnswer", "There was no connection to istiod in time.");
  const missing = seen.has(clusterType) ? "the request for listeners" : "the request for clusters";
  return describeNoAnswer(missing, place);
}

function describeProven(seen: Map<string, DiscoveryResponse>): ProofOutcome {
  const clusters = seen.get(clusterType);
  const listeners = seen.get(listenerType);
  return {
    message: "A proxy gets clusters and listeners from istiod, and its acknowledgements are taken.",
    details: {
      clusters: clusters?.resourceNames.length ?? 0,
      listeners: listeners?.resourceNames.length ?? 0,
      ...(clusters?.istiod === undefined ? {} : { istiod: clusters.istiod.id, istiodVersion: clusters.istiod.version }),
    },
  };
}
