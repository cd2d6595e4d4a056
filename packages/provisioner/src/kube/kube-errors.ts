import { ProvisionerError } from "../errors.ts";
import { fieldAt, stringAt } from "./field-at.ts";

/** What was being done when a call failed; becomes part of the message. */
export interface KubeCall {
  /** `https://host:port` of the API server. */
  server: string;
  /** A verb of the Kubernetes API: `get`, `list`, `create`, `apply`, `delete`, ... */
  verb: string;
  /** The object or collection, such as `ClusterRole pilothouse`. */
  subject: string;
}

interface Cause {
  kind: ProvisionerError["kind"];
  code: string;
  /** What to do about it: a sentence. */
  advice: string;
}

/** Servers may send pages of text; a message for people needs no more than this. */
const longestMessage = 2_000;

/**
 * The error for an answer with a status of 400 or more (or a redirect, which no API server sends). The server's own message is
 * kept, so that a webhook's refusal can be recognised in it; tokens are taken out of it.
 */
export function createStatusError(call: KubeCall, status: number, body: unknown): ProvisionerError {
  const said = cleanServerText(stringAt(body, "message") ?? (typeof body === "string" ? body : ""));
  const cause = findStatusCause(status, stringAt(body, "reason") ?? "", said);
  return new ProvisionerError(
    cause.kind,
    cause.code,
    `${call.server} refused to ${call.verb} ${call.subject} (HTTP ${status})${said ? `: ${said}` : ""}. ${cause.advice}`,
    { cause: readStatus(status, body) },
  );
}

/** The status object of a failed call, kept as the error's cause: its code and its reason, without text. */
function readStatus(status: number, body: unknown): { status: number; reason?: string; retryAfterSeconds?: number } {
  const reason = stringAt(body, "reason");
  const retryAfterSeconds = fieldAt(body, "details", "retryAfterSeconds");
  return {
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(typeof retryAfterSeconds === "number" ? { retryAfterSeconds } : {}),
  };
}

function findStatusCause(status: number, reason: string, said: string): Cause {
  if (/admission webhook ".*" denied the request|ValidatingAdmissionPolicy '.*' .*denied request/s.test(said)) {
    return { kind: "user", code: "AdmissionDenied", advice: "Change the object, or the policy that refuses it." };
  }
  if (/failed calling webhook|failed to call webhook/.test(said)) {
    return {
      kind: "transient",
      code: "AdmissionUnavailable",
      advice:
        "A webhook of the cluster does not answer; it is tried again. If that lasts, look after the webhook named here.",
    };
  }
  switch (status) {
    case 400:
    case 422:
      return { kind: "user", code: "Invalid", advice: "Correct the fields that are named." };
    case 401:
      return {
        kind: "user",
        code: "Unauthorized",
        advice: "The token or client certificate is expired, revoked, or not of this cluster: hand in a valid one.",
      };
    case 403:
      return { kind: "user", code: "Forbidden", advice: "Give the identity this right, or use one that has it." };
    case 404:
      return { kind: "notReady", code: "NotFound", advice: "It, or what it belongs to, is not there (any more)." };
    case 409:
      return reason === "AlreadyExists"
        ? { kind: "transient", code: "AlreadyExists", advice: "An object of this name is there already." }
        : {
            kind: "transient",
            code: "Conflict",
            advice: "Someone else changes it at the same time; it is tried again.",
          };
    case 410:
      return {
        kind: "transient",
        code: "Expired",
        advice: "The list has changed too much since it was begun; it is tried again.",
      };
    case 429:
      return { kind: "transient", code: "TooManyRequests", advice: "The server is busy; it is tried again." };
    default:
      return status >= 500
        ? { kind: "transient", code: "ServerFailed", advice: "The server has a fault of its own; it is tried again." }
        : {
            kind: "unknown",
            code: "UnexpectedStatus",
            advice: "A Kubernetes API server does not answer so: check the address.",
          };
  }
}

const untrusted = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
  "INVALID_CA",
  "INVALID_PURPOSE",
]);
const unresolved = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_NODATA", "ENODATA", "ESERVFAIL", "ETIMEOUT", "EREFUSED"]);
const connectTimeouts = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "ETIMEDOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);
const refusedConnections = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "EADDRNOTAVAIL",
  "EACCES",
  "EPERM",
]);

/** The error for a call that got no (whole) answer: name resolution, connection, TLS, or a connection that broke off. */
export function createNetworkError(call: KubeCall, error: unknown): ProvisionerError {
  if (error instanceof ProvisionerError) return error;
  const code = findErrorCode(error);
  const cause = findNetworkCause(code);
  return new ProvisionerError(
    cause.kind,
    cause.code,
    `Could not ${call.verb} ${call.subject} at ${call.server}${code ? ` (${code})` : ""}: ${cause.advice}`,
    // Only the code: messages of the network and TLS layers may quote what was sent.
    code ? { cause: { code } } : {},
  );
}

function findNetworkCause(code: string): Cause {
  if (untrusted.has(code)) {
    return {
      kind: "user",
      code: "UntrustedCertificate",
      advice:
        "its certificate is not signed by the certificate authority that was given. Check certificate-authority-data, and that the address is this cluster's.",
    };
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return {
      kind: "user",
      code: "CertificateNameMismatch",
      advice:
        "its certificate is for other names. Use a name that is in the certificate as address, or as tls-server-name.",
    };
  }
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
    return {
      kind: "user",
      code: "ServerCertificateNotValid",
      advice: "its certificate, or that of its authority, is expired or not valid yet. Renew it, or check the clocks.",
    };
  }
  if (
    /ALERT_(BAD_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)|ALERT_NUMBER_(42|43|44|45|46|48|116)/.test(
      code,
    )
  ) {
    return {
      kind: "user",
      code: "ClientCertificateRefused",
      advice: "it refuses the client certificate. Hand in a valid one.",
    };
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL_") || code.startsWith("HPE_")) {
    return { kind: "user", code: "NotTls", advice: "what answers there does not speak HTTPS. Check host and port." };
  }
  if (unresolved.has(code)) {
    return {
      kind: "transient",
      code: "NameNotResolved",
      advice: "the host's name does not resolve. Check the name, or the DNS servers.",
    };
  }
  if (connectTimeouts.has(code)) {
    return {
      kind: "transient",
      code: "CallTimeout",
      advice: "it did not answer in time. Check that it runs and that a firewall lets this through.",
    };
  }
  if (refusedConnections.has(code)) {
    return {
      kind: "transient",
      code: "ServerUnreachable",
      advice: "nothing accepts the connection. Check that it runs, and host and port.",
    };
  }
  return { kind: "transient", code: "ConnectionLost", advice: "the connection broke off; it is tried again." };
}

/** The system's or library's code of an error, of the first of several, or of its cause. */
function findErrorCode(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return "";
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  // An AggregateError of net.connect carries the code of its first attempt too, but not always.
  const code: unknown = "code" in error ? error.code : undefined;
  if (typeof code === "string" && code !== "UND_ERR_SOCKET") return code;
  return findErrorCode(inner, depth + 1) || (typeof code === "string" ? code : "");
}

/** Text of a server made fit to show: no tokens, no control characters, bounded. */
export function cleanServerText(text: string): string {
  return (
    text
      .slice(0, longestMessage * 2)
      .replaceAll(/eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, "[token]")
      .replaceAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[private key]")
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, " ")
      .slice(0, longestMessage)
      .replace(/[\s.]+$/, "")
  );
}
