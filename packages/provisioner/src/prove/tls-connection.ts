import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { ProofFailure } from "./reasons.ts";
import { describeAbort, withTimeLimit } from "./time-limit.ts";
import { describeTlsError } from "./tls-errors.ts";

/** A workload certificate with its key, PEM. The key never leaves the process. */
export interface ClientIdentity {
  certificateChain: string;
  privateKey: string;
}

/** One port of a revision's public name. */
export interface TlsEndpoint {
  /** Sent as SNI, and the name that the server's certificate must carry. */
  hostname: string;
  port: number;
  /** What `hostname` resolved to, in the order in which to try. */
  addresses: readonly string[];
  /** PEM bundle that the server's certificate must chain to. */
  rootCertificates: string;
  protocol: "h2" | "http/1.1";
  identity?: ClientIdentity;
}

export interface TlsConnection {
  socket: TLSSocket;
  /** The address that answered. */
  address: string;
  /** What was wrong with the addresses tried before it. */
  earlierFailures: string[];
}

/** Longest wait for one address, so that a dead one leaves time for the next. */
const attemptLimitMs = 3_000;

/**
 * A verified TLS connection to the first address that gives one. The caller closes the socket. Fails with the ProofFailure of
 * the last address.
 */
export async function connectTls(endpoint: TlsEndpoint, signal: AbortSignal): Promise<TlsConnection> {
  const earlierFailures: string[] = [];
  let last = new ProofFailure("NameNotFound", `${endpoint.hostname} has no address.`);
  for (const address of endpoint.addresses) {
    try {
      return { socket: await connectTlsAddress(endpoint, address, signal), address, earlierFailures };
    } catch (error) {
      if (signal.aborted || !(error instanceof ProofFailure)) throw error;
      earlierFailures.push(error.message);
      last = error;
    }
  }
  throw last;
}

/** A verified TLS connection to one address within 3 s, or a ProofFailure that says what is in the way. */
export async function connectTlsAddress(
  endpoint: TlsEndpoint,
  address: string,
  parent: AbortSignal,
): Promise<TLSSocket> {
  return withTimeLimit(attemptLimitMs, parent, (signal) => handshake(endpoint, address, signal));
}

function handshake(endpoint: TlsEndpoint, address: string, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const where = { hostname: endpoint.hostname, port: endpoint.port, address };
    let reached = false;
    const socket = connect(connectionOptions(endpoint, address)).setNoDelay();
    const fail = (failure: ProofFailure) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      reject(failure);
    };
    const onAbort = () => fail(describeAbort(signal, describeSilence(where, reached)));
    socket.once("connect", () => {
      reached = true;
    });
    socket.on("error", (error: Error) => fail(describeTlsError(error, where, reached)));
    socket.once("secureConnect", () => {
      if (endpoint.protocol === "h2" && socket.alpnProtocol !== "h2") {
        fail(describeMissingProtocol(where));
        return;
      }
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners("error");
      // Until someone uses the socket, a late error must not end the process.
      socket.on("error", () => socket.destroy());
      resolve(socket);
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

function connectionOptions(endpoint: TlsEndpoint, address: string): ConnectionOptions {
  return {
    host: address,
    port: endpoint.port,
    servername: endpoint.hostname,
    ca: endpoint.rootCertificates,
    ALPNProtocols: [endpoint.protocol],
    minVersion: "TLSv1.2",
    ...(endpoint.identity === undefined
      ? {}
      : { cert: endpoint.identity.certificateChain, key: endpoint.identity.privateKey }),
  };
}

function describeSilence(where: { hostname: string; port: number; address: string }, reached: boolean): ProofFailure {
  const { hostname, port, address } = where;
  return reached
    ? new ProofFailure(
        "HandshakeTimeout",
        `The edge at ${address}:${port} accepts connections but completes no TLS handshake for ${hostname}: the edge hangs, or istiod behind it does.`,
        where,
      )
    : new ProofFailure(
        "ConnectTimeout",
        `Nothing answers at ${address}:${port}, the address of ${hostname}. Check the edge, and firewalls on the way to it.`,
        where,
      );
}

function describeMissingProtocol(where: { hostname: string; port: number; address: string }): ProofFailure {
  return new ProofFailure(
    "ProtocolNotOffered",
    `What answers for ${where.hostname} at ${where.address}:${where.port} does not speak HTTP/2 (ALPN h2), so it is not istiod's gRPC port.`,
    where,
  );
}
