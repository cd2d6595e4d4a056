import { KeepAliveTimeout, type StreamEnd } from "./grpc-session.ts";
import { ProofFailure, type ProofReason } from "./reasons.ts";
import { describeBrokenConnection, type ConnectionPlace } from "./tls-errors.ts";

/** gRPC's status codes (grpc/status.h). */
export const grpcStatus = {
  ok: 0,
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Puts the end of a call into words; `call` names it, such as "the certificate request". */
export function describeStreamEnd(end: StreamEnd, place: ConnectionPlace, call: string): ProofFailure {
  switch (end.kind) {
    case "status":
      return describeStatus(end.code, end.message, place, call);
    case "http":
      return new ProofFailure(
        "BadAnswer",
        `What answers for ${place.hostname} at ${place.address}:${place.port} is not istiod's gRPC port: HTTP ${end.status}.`,
        { ...place, httpStatus: end.status },
      );
    case "goaway":
      return new ProofFailure(
        "StreamEnded",
        `istiod behind ${place.hostname} closed the connection in good order while ${call} was under way.`,
        { ...place, goaway: end.text },
      );
    case "cancelled":
      return new ProofFailure("Aborted", `${call} was stopped from here.`, { ...place });
    case "broken":
      return describeBreak(end.error, place, call);
  }
}

function describeStatus(code: number, said: string, place: ConnectionPlace, call: string): ProofFailure {
  const details = { ...place, grpcStatus: code, grpcMessage: said };
  const fail = (reason: ProofReason, message: string) => new ProofFailure(reason, message, details);
  switch (code) {
    case grpcStatus.ok:
      return fail("StreamEnded", `istiod behind ${place.hostname} ended ${call} without a complaint, and too early.`);
    case grpcStatus.unauthenticated:
      return fail(
        "Unauthenticated",
        `istiod behind ${place.hostname} did not accept who asks in ${call}. It reviews tokens with the mesh cluster's API server: ` +
          "check that istiod reaches that API server with valid credentials, and that it serves this mesh cluster.",
      );
    case grpcStatus.permissionDenied:
      return fail(
        "IdentityRefused",
        `istiod behind ${place.hostname} refused the probe's identity in ${call}: ${said}.`,
      );
    case grpcStatus.resourceExhausted:
      return fail("RateLimited", `istiod behind ${place.hostname} answers no more requests for now: ${said}.`);
    case grpcStatus.unimplemented:
      return fail("ServiceMissing", `What answers for ${place.hostname} does not offer ${call}: ${said}.`);
    case grpcStatus.unavailable:
      return fail("NotReady", `istiod behind ${place.hostname} is not ready for ${call}: ${said}.`);
    default:
      return fail("GrpcFailed", `istiod behind ${place.hostname} answered ${call} with gRPC status ${code}: ${said}.`);
  }
}

function describeBreak(error: Error, place: ConnectionPlace, call: string): ProofFailure {
  if (error instanceof KeepAliveTimeout) {
    return new ProofFailure(
      "NoAnswer",
      `The connection to ${place.hostname} went silent: keepalive pings are not answered any more.`,
      { ...place },
      error,
    );
  }
  return describeBrokenConnection(error, place, call);
}
