import { fieldAt } from "../kube/field-at.ts";
import type { ClusterAccess } from "../types.ts";
import type { Entry } from "./kubeconfig-entry.ts";
import { readText } from "./kubeconfig-entry.ts";
import { createKubeconfigError } from "./kubeconfig-error.ts";
import { readCertificates, readPrivateKey } from "./read-pem.ts";

/**
 * The one credential of a user entry, checked as far as that goes without the server.
 *
 * @throws ProvisionerError (kind user) with the codes KubeconfigCredential-, KubeconfigClient- and KubeconfigToken-
 */
export function readCredential(
  entry: Entry,
  now: Date,
): { credential: ClusterAccess["credential"]; parameter: string } {
  const token = readText(entry, "token")?.trim();
  const certificates = readCertificates(entry, "client-certificate-data");
  const key = readPrivateKey(entry, "client-key-data");
  if (token && (certificates ?? key)) {
    throw createKubeconfigError(
      "KubeconfigCredentialAmbiguous",
      `${entry.path}.token`,
      `${entry.path} has both a token and a client certificate, which may be different users. Keep one of them.`,
    );
  }
  if (token) {
    checkToken(token, `${entry.path}.token`, now);
    return { credential: { token }, parameter: `${entry.path}.token` };
  }
  const certificatePath = `${entry.path}.client-certificate-data`;
  const keyPath = `${entry.path}.client-key-data`;
  if (!certificates && !key) {
    throw createKubeconfigError(
      "KubeconfigCredentialMissing",
      entry.path,
      `${entry.path} has neither a token nor a client certificate. Give one of them: \`token\`, or \`client-certificate-data\` with \`client-key-data\`.`,
    );
  }
  if (!certificates) {
    throw createKubeconfigError(
      "KubeconfigClientCertificateMissing",
      certificatePath,
      `${certificatePath} is missing for the key that is there.`,
    );
  }
  if (!key) {
    throw createKubeconfigError(
      "KubeconfigClientKeyMissing",
      keyPath,
      `${keyPath} is missing for the certificate that is there.`,
    );
  }
  const [leaf] = certificates.certificates;
  if (leaf === undefined || !leaf.checkPrivateKey(key.key)) {
    throw createKubeconfigError(
      "KubeconfigClientKeyMismatch",
      keyPath,
      `${keyPath} is not the key of the first certificate in ${certificatePath}. Take both from the same user.`,
    );
  }
  if (leaf.validToDate <= now) {
    throw createKubeconfigError(
      "KubeconfigClientCertificateExpired",
      certificatePath,
      `${certificatePath} is expired since ${leaf.validToDate.toISOString()}. Have a new one issued.`,
    );
  }
  if (leaf.validFromDate > now) {
    throw createKubeconfigError(
      "KubeconfigClientCertificateNotYetValid",
      certificatePath,
      `${certificatePath} is valid only from ${leaf.validFromDate.toISOString()}. Wait, or check the clocks.`,
    );
  }
  return { credential: { clientCertificate: certificates.pem, clientKey: key.pem }, parameter: certificatePath };
}

function checkToken(token: string, path: string, now: Date): void {
  // RFC 6750, section 2.1.
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) {
    throw createKubeconfigError(
      "KubeconfigTokenInvalid",
      path,
      `${path} has characters that no bearer token has. Copy it again, without line breaks, quotes or the word Bearer.`,
    );
  }
  const claims = readClaims(token);
  const expires = readTime(claims, "exp");
  if (expires && expires <= now) {
    throw createKubeconfigError(
      "KubeconfigTokenExpired",
      path,
      `${path} is expired since ${expires.toISOString()}. Have a new one issued.`,
    );
  }
  const begins = readTime(claims, "nbf");
  if (begins && begins > now) {
    throw createKubeconfigError(
      "KubeconfigTokenNotYetValid",
      path,
      `${path} is valid only from ${begins.toISOString()}. Wait, or check the clocks.`,
    );
  }
}

/** Claims of a token that is a JWT; others are left to the server. The signature is the server's to check. */
function readClaims(token: string): unknown {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    return JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString());
  } catch {
    return undefined;
  }
}

function readTime(claims: unknown, name: string): Date | undefined {
  const seconds = fieldAt(claims, name);
  const time = typeof seconds === "number" ? new Date(seconds * 1000) : undefined;
  return time && Number.isFinite(time.getTime()) ? time : undefined;
}
