import "reflect-metadata";
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** A certificate with its key, both PEM. */
export interface IssuedCertificate {
  certificate: string;
  key: string;
}

export interface CertificateWish {
  commonName: string;
  ipAddresses?: string[];
  dnsNames?: string[];
  notBefore?: Date;
  notAfter?: Date;
}

/** A certificate authority for one test. */
export interface TestAuthority extends IssuedCertificate {
  issue(wish: CertificateWish): Promise<IssuedCertificate>;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 24 * 60 * 60 * 1000;

/** Makes an authority whose certificates are valid from yesterday until tomorrow unless wished otherwise. */
export async function createTestAuthority(
  commonName: string,
  validity: { notAfter?: Date } = {},
): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const root = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys,
    ...validityOf(validity),
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  let serial = 1;
  return {
    certificate: root.toString("pem"),
    key: await exportKey(keys.privateKey),
    async issue(wish) {
      const own = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      serial += 1;
      const names = [
        ...(wish.ipAddresses ?? []).map((value) => ({ type: "ip", value }) as const),
        ...(wish.dnsNames ?? []).map((value) => ({ type: "dns", value }) as const),
      ];
      const certificate = await X509CertificateGenerator.create({
        serialNumber: serial.toString(16).padStart(2, "0"),
        subject: `CN=${wish.commonName}`,
        issuer: root.subject,
        ...validityOf(wish),
        signingAlgorithm: algorithm,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : [],
      });
      return { certificate: certificate.toString("pem"), key: await exportKey(own.privateKey) };
    },
  };
}

function validityOf(wish: { notBefore?: Date; notAfter?: Date }) {
  const now = Date.now();
  return { notBefore: wish.notBefore ?? new Date(now - dayMs), notAfter: wish.notAfter ?? new Date(now + dayMs) };
}

async function exportKey(key: CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
