import { z } from "zod";
import { grpcStatus } from "./grpc-failures.ts";
import type { StreamEnd } from "./grpc-session.ts";
import type { GrpcEndpoint } from "./prove-certificate.ts";
import {
  decodeResourceName,
  streamAggregatedResources,
  type DiscoveryNode,
  type DiscoveryRequest,
  type RawDiscoveryResponse,
} from "./protos.ts";
import type { ClientIdentity } from "./tls-connection.ts";
import type { ConnectionPlace } from "./tls-errors.ts";
import { probeAccount, probeNamespace, probeVersionSuffix } from "./types.ts";
import { connectGrpc } from "./with-grpc-session.ts";

export const clusterType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
export const listenerType = "type.googleapis.com/envoy.config.listener.v3.Listener";

/** As istio-agent does (pkg/keepalive, DefaultOption); istiod closes connections that ping more often than twice as much. */
const agentKeepAlive = { intervalMs: 30_000, timeoutMs: 10_000 };
/** From the block of RFC 5737 that no pod ever has: istiod looks pods up by address. */
const probeAddress = "192.0.2.1";

/** What the probe's proxy tells istiod about itself. */
export interface ProbeNode {
  revisionId: string;
  /** As in `ISTIO_VERSION`. */
  version?: string;
}

/** One answer of istiod, already acknowledged or refused when the callback gets it. */
export interface DiscoveryResponse {
  typeUrl: string;
  versionInfo: string;
  nonce: string;
  /** Names of all resources of the type, in istiod's order: state of the world. */
  resourceNames: string[];
  /** Why it was refused (NACK); absent when it was acknowledged. */
  problem?: string;
  /** Which istiod answered. */
  istiod?: { id: string; version: string };
}

export interface DiscoveryStreamOptions {
  endpoint: GrpcEndpoint;
  identity: ClientIdentity;
  node: ProbeNode;
  /** Asked for one after the other, each after the first answer to the one before, as Envoy does; clusters and listeners when absent. */
  typeUrls?: readonly string[];
  /** For every answer, also those that istiod pushes later. Must not throw. */
  onResponse(response: DiscoveryResponse): void;
  /** Once, when the stream has ended for another reason than `close`. Must not throw. */
  onEnd?(end: StreamEnd, place: ConnectionPlace): void;
  /** istiod will close this connection in some seconds, because of its age or because it shuts down: time to open another. */
  onDraining?(): void;
  /** Bounds the connecting; once the stream is open, `close` ends it. */
  signal: AbortSignal;
}

export interface DiscoveryStream {
  readonly place: ConnectionPlace;
  /** Round trip to istiod in milliseconds. */
  ping(): Promise<number>;
  /** Returns when the connection is closed. Can be repeated. */
  close(): Promise<void>;
}

/**
 * Opens an ADS stream as the probe's workload, over mutual TLS with its certificate, and keeps it: every answer is acknowledged
 * with its version and nonce. State of the world (not delta) because every line serves it, an acknowledgement is one message,
 * and each push shows all there is. The certificate (not the token) because that proves the certificate as well, costs istiod
 * no token review, and lets a broken stream be reopened while the mesh cluster's API server is away.
 *
 * Fails with a ProofFailure when there is no connection; the end of the stream itself goes to `onEnd`.
 */
export async function openDiscoveryStream(options: DiscoveryStreamOptions): Promise<DiscoveryStream> {
  const endpoint = { ...options.endpoint, protocol: "h2", identity: options.identity } as const;
  const { session, place } = await connectGrpc(endpoint, options.signal, { keepAlive: agentKeepAlive });
  const waiting = [...(options.typeUrls ?? [clusterType, listenerType])];
  const answered = new Set<string>();
  let closing = false;
  let acceptedVersions: Record<string, string> = {};

  const send = (request: DiscoveryRequest) => stream.send(streamAggregatedResources.encodeRequest(request));
  const subscribeNext = (node?: DiscoveryNode) => {
    const typeUrl = waiting.shift();
    if (typeUrl !== undefined) send({ typeUrl, ...(node === undefined ? {} : { node }) });
  };

  const stream = session.openStream(
    streamAggregatedResources.path,
    {},
    {
      onMessage: (message) => {
        const response = readResponse(streamAggregatedResources.decodeResponse(message));
        const { typeUrl, versionInfo, nonce, problem } = response;
        if (problem === undefined) acceptedVersions = { ...acceptedVersions, [typeUrl]: versionInfo };
        send({
          typeUrl,
          versionInfo: acceptedVersions[typeUrl] ?? "",
          responseNonce: nonce,
          ...(problem === undefined ? {} : { errorDetail: { code: grpcStatus.invalidArgument, message: problem } }),
        });
        if (!answered.has(typeUrl)) {
          answered.add(typeUrl);
          subscribeNext();
        }
        options.onResponse(response);
      },
      onEnd: (end) => {
        if (closing) return;
        options.onEnd?.(end, place);
        void session.close();
      },
    },
  );
  session.onGoaway(() => options.onDraining?.());
  subscribeNext(createNode(options.node));
  return {
    place,
    ping: () => session.ping(),
    close: () => {
      closing = true;
      return session.close();
    },
  };
}

/** Istio's form of a sidecar's node: `type~address~name.namespace~domain` (pkg/model, ParseServiceNodeWithMetadata). */
function createNode({ revisionId, version }: ProbeNode): DiscoveryNode {
  const metadata: Record<string, string> = {
    // istiod compares these two with the certificate.
    NAMESPACE: probeNamespace,
    SERVICE_ACCOUNT: probeAccount,
    INSTANCE_IPS: probeAddress,
    WORKLOAD_NAME: probeAccount,
    ISTIO_REVISION: revisionId,
    // By it these streams are told from proxies in istiod's own count; istiod reads no further than the numbers.
    ISTIO_VERSION: `${version ?? ""}${probeVersionSuffix}`,
  };
  return {
    id: `sidecar~${probeAddress}~${probeAccount}.${probeNamespace}~${probeNamespace}.svc.cluster.local`,
    cluster: `${probeAccount}.${probeNamespace}`,
    metadata: {
      fields: Object.fromEntries(Object.entries(metadata).map(([name, stringValue]) => [name, { stringValue }])),
    },
  };
}

const identifierShape = z.object({ ID: z.string(), Info: z.object({ version: z.string() }) });

function readResponse(raw: RawDiscoveryResponse): DiscoveryResponse {
  const { typeUrl, versionInfo, nonce } = raw;
  const istiod = readIstiod(raw.controlPlane?.identifier);
  const common = { typeUrl, versionInfo, nonce, ...(istiod === undefined ? {} : { istiod }) };
  const foreign = raw.resources.find((resource) => resource.typeUrl !== typeUrl);
  if (foreign !== undefined) {
    return { ...common, resourceNames: [], problem: `a resource of type ${foreign.typeUrl} among those of ${typeUrl}` };
  }
  try {
    const resourceNames = raw.resources.map(({ value }) => decodeResourceName(value));
    const nameless = resourceNames.includes("");
    return { ...common, resourceNames, ...(nameless ? { problem: `a resource of ${typeUrl} without a name` } : {}) };
  } catch {
    return { ...common, resourceNames: [], problem: `a resource of ${typeUrl} that can't be read` };
  }
}

function readIstiod(identifier: string | undefined): DiscoveryResponse["istiod"] {
  if (identifier === undefined) return undefined;
  try {
    const { ID, Info } = identifierShape.parse(JSON.parse(identifier));
    return { id: ID, version: Info.version };
  } catch {
    return undefined;
  }
}
