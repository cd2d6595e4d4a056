import { ProofFailure, type ProofReason } from "./reasons.ts";

/** Which connection failed. */
export interface ConnectionPlace {
  hostname: string;
  port: number;
  address: string;
}

const untrusted = [
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "INVALID_CA",
  "INVALID_PURPOSE",
];
/** How OpenSSL words a peer that refused our certificate. */
const clientRefusals = /SSL_(SSLV3|TLSV1|TLSV13)_ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_\w+|ACCESS_DENIED)/;

/** Node's and OpenSSL's error codes by reason. */
const reasonByCode: Record<string, ProofReason> = {
  ECONNREFUSED: "ConnectionRefused",
  ECONNRESET: "ConnectionReset",
  EPIPE: "ConnectionReset",
  ETIMEDOUT: "ConnectTimeout",
  EHOSTUNREACH: "AddressUnreachable",
  ENETUNREACH: "AddressUnreachable",
  ERR_TLS_CERT_ALTNAME_INVALID: "CertificateNameMismatch",
  CERT_HAS_EXPIRED: "CertificateNotValidNow",
  CERT_NOT_YET_VALID: "CertificateNotValidNow",
  ERR_SSL_WRONG_VERSION_NUMBER: "NotTls",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "NotTls",
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: "ProtocolNotOffered",
  ...Object.fromEntries(untrusted.map((code) => [code, "CertificateUntrusted" as const])),
};

const words: Partial<Record<ProofReason, (place: ConnectionPlace) => string>> = {
  ConnectionRefused: ({ address, port }) =>
    `Nothing listens at ${address}:${port}: the edge does not run there. Check the edge, or the address in the name's record.`,
  ConnectionReset: ({ hostname, address, port }) =>
    `The edge at ${address}:${port} resets the connection: no istiod answers behind ${hostname}.`,
  ConnectTimeout: ({ hostname, address, port }) =>
    `Nothing answers at ${address}:${port}, the address of ${hostname}. Check the edge, and firewalls on the way to it.`,
  AddressUnreachable: ({ hostname, address }) =>
    `There is no way from here to ${address}, the address of ${hostname}. Check routes and the name's record.`,
  CertificateUntrusted: ({ hostname, address, port }) =>
    `The certificate shown for ${hostname} at ${address}:${port} was not signed by this mesh's root: another istiod, or something that ends TLS on the way.`,
  CertificateNameMismatch: ({ hostname, address, port }) =>
    `The certificate shown at ${address}:${port} is not for ${hostname}: istiod must be told its public name (ISTIOD_CUSTOM_HOST).`,
  CertificateNotValidNow: ({ hostname, address, port }) =>
    `The certificate shown for ${hostname} at ${address}:${port} has expired or is not valid yet. Check the clocks and istiod's renewal of its own certificate.`,
  NotTls: ({ hostname, address, port }) =>
    `What answers for ${hostname} at ${address}:${port} does not speak TLS: another program, or an edge that ends TLS.`,
  ProtocolNotOffered: ({ hostname, address, port }) =>
    `What answers for ${hostname} at ${address}:${port} does not speak HTTP/2 (ALPN h2), so it is not istiod's gRPC port.`,
  ClientCertificateRefused: ({ hostname }) =>
    `istiod behind ${hostname} does not accept a workload certificate that it issued: its root changed, or several istiods do not share one.`,
};

/**
 * Puts a failed connection or handshake into words. `reached` tells whether the address accepted the connection before it
 * failed. The original error stays as the cause.
 */
export function describeTlsError(error: Error, place: ConnectionPlace, reached: boolean): ProofFailure {
  const code = readErrorCode(error);
  const reason = pickReason(code, error, reached);
  const say = words[reason];
  const message =
    say === undefined
      ? `The connection to ${place.hostname} at ${place.address}:${place.port} failed: ${code}.`
      : say(place);
  return new ProofFailure(reason, message, { ...place, code }, error);
}

/** Puts a connection that broke after its handshake into words; `call` names what was under way. */
export function describeBrokenConnection(error: Error, place: ConnectionPlace, call: string): ProofFailure {
  const code = readErrorCode(error);
  if (clientRefusals.test(code)) return describeTlsError(error, place, true);
  return new ProofFailure(
    "ConnectionBroke",
    `The connection to ${place.hostname} at ${place.address}:${place.port} broke during ${call}: istiod or the edge went away, or what answers there is not what belongs on this port.`,
    { ...place, code },
    error,
  );
}

function pickReason(code: string, error: Error, reached: boolean): ProofReason {
  if (clientRefusals.test(code)) return "ClientCertificateRefused";
  const known = reasonByCode[code];
  if (known === "ConnectTimeout" && reached) return "ConnectionReset";
  if (known !== undefined) return known;
  return code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_") || "library" in error
    ? "TlsFailed"
    : "ConnectionFailed";
}

/** The error's code, from its cause when it has none: HTTP/2 wraps the error of the socket. */
export function readErrorCode(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ("code" in at && typeof at.code === "string" && !at.code.startsWith("ERR_HTTP2_")) return at.code;
  }
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN";
}
