import { expect, test } from "vitest";
import { cleanServerText, createNetworkError, createStatusError } from "./kube-errors.ts";

const call = { server: "https://host:6443", verb: "get", subject: "Namespace a" };

function createSystemError(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

test.for([
  ["SELF_SIGNED_CERT_IN_CHAIN", "UntrustedCertificate", "user"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UntrustedCertificate", "user"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "CertificateNameMismatch", "user"],
  ["CERT_HAS_EXPIRED", "ServerCertificateNotValid", "user"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "ClientCertificateRefused", "user"],
  ["ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE", "ClientCertificateRefused", "user"],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "ClientCertificateRefused", "user"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "NotTls", "user"],
  ["HPE_INVALID_CONSTANT", "NotTls", "user"],
  ["ENOTFOUND", "NameNotResolved", "transient"],
  ["ETIMEDOUT", "CallTimeout", "transient"],
  ["UND_ERR_CONNECT_TIMEOUT", "CallTimeout", "transient"],
  ["ECONNREFUSED", "ServerUnreachable", "transient"],
  ["EHOSTUNREACH", "ServerUnreachable", "transient"],
  ["ECONNRESET", "ConnectionLost", "transient"],
  ["", "ConnectionLost", "transient"],
] as const)("%s is %s (%s)", ([systemCode, code, kind]) => {
  const error = createNetworkError(call, createSystemError(systemCode, "bytes that were sent"));
  expect(error).toMatchObject({ kind, code });
  expect(error.message).toContain("get Namespace a");
  expect(error.message).toContain(call.server);
  expect(error.message).not.toContain("bytes that were sent");
});

test("the code is found in what caused an error, and in the first of several", () => {
  const refused = createSystemError("ECONNREFUSED");
  expect(createNetworkError(call, new Error("outer", { cause: refused })).code).toBe("ServerUnreachable");
  expect(createNetworkError(call, new AggregateError([refused])).code).toBe("ServerUnreachable");
});

test("an answer's status and reason stay readable for programs", () => {
  const error = createStatusError(call, 429, { reason: "TooManyRequests", details: { retryAfterSeconds: 3 } });
  expect(error.cause).toEqual({ status: 429, reason: "TooManyRequests", retryAfterSeconds: 3 });
});

test("a server's text is shown without tokens, keys and control characters, and not without end", () => {
  const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0xxxx.c2lnbmF0dXJl";
  const key = "-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----";
  expect(cleanServerText(`a ${jwt} b ${key} c\u001b[31m.`)).toBe("a [token] b [private key] c [31m");
  expect(cleanServerText("x".repeat(10_000)).length).toBe(2_000);
});
