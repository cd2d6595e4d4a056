import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Entry } from "./kubeconfig-entry.ts";
import { readText } from "./kubeconfig-entry.ts";
import { createKubeconfigError } from "./kubeconfig-error.ts";

export interface PemCertificates {
  /** The certificates alone, without any text or key around them. */
  pem: string;
  certificates: X509Certificate[];
}

/**
 * The certificates in a field with base64 of PEM; undefined when the field is empty.
 *
 * @throws ProvisionerError (kind user) KubeconfigNotBase64 or KubeconfigNotPem
 */
export function readCertificates(entry: Entry, name: string): PemCertificates | undefined {
  const text = readBase64(entry, name);
  if (text === undefined) return undefined;
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g) ?? [];
  try {
    const certificates = blocks.map((block) => new X509Certificate(block));
    if (certificates.length > 0) return { pem: `${blocks.join("\n")}\n`, certificates };
  } catch {
    // A block that is no certificate is told like none at all.
  }
  throw createKubeconfigError(
    "KubeconfigNotPem",
    `${entry.path}.${name}`,
    `${entry.path}.${name} holds no readable PEM certificate (-----BEGIN CERTIFICATE-----). Take the field from the original kubeconfig again.`,
  );
}

/**
 * The private key in a field with base64 of PEM; undefined when the field is empty.
 *
 * @throws ProvisionerError (kind user) KubeconfigNotBase64, KubeconfigNotPem or KubeconfigClientKeyEncrypted
 */
export function readPrivateKey(entry: Entry, name: string): { pem: string; key: KeyObject } | undefined {
  const text = readBase64(entry, name);
  if (text === undefined) return undefined;
  const path = `${entry.path}.${name}`;
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4,ENCRYPTED/m.test(text)) {
    throw createKubeconfigError(
      "KubeconfigClientKeyEncrypted",
      path,
      `${path} is protected by a passphrase. Use a key without one, or a token.`,
    );
  }
  const pem = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[^-]+-----END ([A-Z]+ )?PRIVATE KEY-----/.exec(text)?.[0];
  try {
    if (pem !== undefined) return { pem: `${pem}\n`, key: createPrivateKey(pem) };
  } catch {
    // Told below: the library's message may quote the key.
  }
  throw createKubeconfigError(
    "KubeconfigNotPem",
    path,
    `${path} holds no readable PEM private key. Take the field from the original kubeconfig again.`,
  );
}

function readBase64(entry: Entry, name: string): string | undefined {
  const text = readText(entry, name)?.replaceAll(/\s/g, "");
  if (text === undefined || text === "") return undefined;
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text))
    return Buffer.from(text, "base64").toString("latin1");
  const path = `${entry.path}.${name}`;
  const advice = text.startsWith("-----BEGIN")
    ? "It is PEM as it stands: encode it once more."
    : "Take it from the original again.";
  throw createKubeconfigError("KubeconfigNotBase64", path, `${path} is not valid base64. ${advice}`);
}
