import { openGrpcSession, type GrpcSession, type SessionOptions } from "./grpc-session.ts";
import { connectTls, type TlsEndpoint } from "./tls-connection.ts";
import type { ConnectionPlace } from "./tls-errors.ts";

/** Connects, runs `work`, and has closed the connection when it returns or throws. */
export async function withGrpcSession<T>(
  endpoint: TlsEndpoint,
  signal: AbortSignal,
  work: (session: GrpcSession, place: ConnectionPlace) => Promise<T>,
): Promise<T> {
  const { session, place } = await connectGrpc(endpoint, signal);
  try {
    return await work(session, place);
  } finally {
    await session.close();
  }
}

/** Connects and leaves the connection open: the caller closes the session. */
export async function connectGrpc(
  endpoint: TlsEndpoint,
  signal: AbortSignal,
  options: SessionOptions = {},
): Promise<{ session: GrpcSession; place: ConnectionPlace }> {
  const connection = await connectTls(endpoint, signal);
  const authority = `${endpoint.hostname}:${endpoint.port}`;
  return {
    session: openGrpcSession(connection, authority, options),
    place: { hostname: endpoint.hostname, port: endpoint.port, address: connection.address },
  };
}
