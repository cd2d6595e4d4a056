import "reflect-metadata";
import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { PemConverter, Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { ProofFailure, type ProofDetails } from "./reasons.ts";
import type { ClientIdentity } from "./tls-connection.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const deepestChain = 10;

/** A new key with the request that asks for its certificate, both PEM. */
export interface KeyAndRequest {
  privateKey: string;
  csr: string;
}

/** An ECDSA P-256 key and a PKCS#10 request with the SPIFFE id as its only name and no subject, as istio-agent sends it. */
export async function createKeyAndRequest(spiffeId: string): Promise<KeyAndRequest> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: "url", value: spiffeId }])],
  });
  const privateKey = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return { privateKey, csr: `${request.toString("pem")}\n` };
}

/** How long a key is used for further requests, in milliseconds. */
const keyLifetimeMs = 3_600_000;
const mostKept = 32;
const kept = new Map<string, { madeAtMs: number; made: Promise<KeyAndRequest> }>();

/**
 * A key with its request that this process alone has, not older than an hour: making both takes more time than all else of a proof. It is the
 * probe's, which may do nothing anywhere, and each certificate is asked for anew.
 *
 * @param nowMs a monotonic clock
 */
export function takeKeyAndRequest(spiffeId: string, nowMs = performance.now()): Promise<KeyAndRequest> {
  const found = kept.get(spiffeId);
  if (found !== undefined && nowMs - found.madeAtMs < keyLifetimeMs) return found.made;
  const made = createKeyAndRequest(spiffeId);
  if (kept.size >= mostKept) kept.clear();
  kept.set(spiffeId, { madeAtMs: nowMs, made });
  made.catch(() => kept.delete(spiffeId));
  return made;
}

/** A workload certificate that was checked. */
export interface WorkloadCertificate {
  identity: ClientIdentity;
  details: ProofDetails;
}

/**
 * Checks what istiod returned for a request: `chain` has the workload's certificate first and the root last. The certificate
 * must be signed, over the intermediates in the chain, by one of the mesh's roots; carry exactly the SPIFFE id; belong to the
 * key; and be valid now. Fails with ChainNotTrusted, WrongIdentity, WrongKey, WrongValidity or BadAnswer.
 */
export function checkWorkloadCertificate(
  chain: readonly string[],
  expected: { spiffeId: string; privateKey: string; rootCertificates: string; nowMs: number },
): WorkloadCertificate {
  const [leaf, ...others] = parseChain(chain);
  if (leaf === undefined || others.length === 0) {
    throw new ProofFailure("BadAnswer", "istiod returned no chain of certificates for the probe's request.");
  }
  checkSignatures(leaf, others, parsePem(expected.rootCertificates), expected.nowMs);
  if (leaf.subjectAltName !== `URI:${expected.spiffeId}`) {
    throw new ProofFailure(
      "WrongIdentity",
      `istiod issued a certificate for ${leaf.subjectAltName ?? "no name"} instead of ${expected.spiffeId}. Check the mesh's trust domain.`,
      { subjectAltName: leaf.subjectAltName ?? "" },
    );
  }
  if (!leaf.checkPrivateKey(readKey(expected.privateKey))) {
    throw new ProofFailure("WrongKey", "istiod issued a certificate for another key than the one in the request.");
  }
  return {
    identity: {
      // istio-agent presents the chain without the root.
      certificateChain: chain.slice(0, -1).join("\n"),
      privateKey: expected.privateKey,
    },
    details: {
      spiffeId: expected.spiffeId,
      issuer: leaf.issuer.replaceAll("\n", ", "),
      notBefore: leaf.validFromDate.toISOString(),
      notAfter: leaf.validToDate.toISOString(),
      chainLength: chain.length,
    },
  };
}

/** Walks from the certificate to a root; every step must be issued, signed and valid. */
function checkSignatures(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  nowMs: number,
): void {
  let current = leaf;
  for (let depth = 0; depth < deepestChain; depth += 1) {
    checkValidity(current, nowMs);
    const isSigner = (candidate: X509Certificate) => isIssuedBy(current, candidate);
    const root = roots.find(isSigner);
    if (root !== undefined) {
      checkValidity(root, nowMs);
      return;
    }
    const next = intermediates.find(
      (candidate) => candidate.fingerprint256 !== current.fingerprint256 && isSigner(candidate),
    );
    if (next === undefined) break;
    current = next;
  }
  throw new ProofFailure(
    "ChainNotTrusted",
    "istiod issued a certificate that does not chain to the mesh's root, so workloads would not trust each other: this istiod does not share the mesh's root.",
    { issuer: leaf.issuer.replaceAll("\n", ", ") },
  );
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function checkValidity(certificate: X509Certificate, nowMs: number): void {
  const { validFromDate, validToDate } = certificate;
  if (validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime()) return;
  throw new ProofFailure(
    "WrongValidity",
    "A certificate that istiod issued, or one it is signed by, is not valid now. Compare the clocks of istiod and Pilothouse.",
    { notBefore: validFromDate.toISOString(), notAfter: validToDate.toISOString() },
  );
}

function parseChain(chain: readonly string[]): X509Certificate[] {
  return chain.flatMap(parsePem);
}

function parsePem(bundle: string): X509Certificate[] {
  try {
    return splitPem(bundle).map((block) => new X509Certificate(block));
  } catch (error) {
    throw new ProofFailure("BadAnswer", "A certificate of the mesh can't be read.", {}, error);
  }
}

/** The certificates of a bundle, one each. */
export function splitPem(bundle: string): string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}

function readKey(pem: string): KeyObject {
  return createPrivateKey(pem);
}
