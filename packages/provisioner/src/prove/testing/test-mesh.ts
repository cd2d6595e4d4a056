import "reflect-metadata";
import {
  BasicConstraintsExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type JsonGeneralName,
  type X509Certificate,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 86_400_000;

/** Days from now. */
export interface TestValidity {
  fromDays?: number;
  toDays?: number;
}

/** A signer, and what it signs: PEM everywhere. */
export interface TestAuthority {
  certificate: string;
  /** A server's certificate with its key. */
  issueServer(hostname: string, validity?: TestValidity): Promise<{ certificate: string; key: string }>;
  /** What istiod makes of a CSR: the certificate for that key, or for the one given. */
  signRequest(csr: string, uri: string, options?: { validity?: TestValidity; publicKey?: CryptoKey }): Promise<string>;
  issueAuthority(name: string): Promise<TestAuthority>;
}

export async function createTestRoot(name = "root"): Promise<TestAuthority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `O=${name}`,
    keys,
    ...dates({}),
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return createAuthority(certificate, keys);
}

function createAuthority(own: X509Certificate, keys: CryptoKeyPair): TestAuthority {
  const sign = async (publicKey: CryptoKey, names: JsonGeneralName[], validity: TestValidity) => {
    const certificate = await X509CertificateGenerator.create({
      serialNumber: Date.now().toString(16).padStart(16, "0"),
      subject: "",
      issuer: own.subject,
      ...dates(validity),
      signingAlgorithm: algorithm,
      publicKey,
      signingKey: keys.privateKey,
      extensions: [new SubjectAlternativeNameExtension(names)],
    });
    return certificate.toString("pem");
  };
  return {
    certificate: own.toString("pem"),
    async issueServer(hostname, validity = {}) {
      const serverKeys = await generateKeys();
      const certificate = await sign(serverKeys.publicKey, [{ type: "dns", value: hostname }], validity);
      return { certificate, key: await exportKey(serverKeys.privateKey) };
    },
    async signRequest(csr, uri, { validity = {}, publicKey } = {}) {
      const request = new Pkcs10CertificateRequest(csr);
      if (!(await request.verify())) throw new Error("the request's signature is wrong");
      return sign(publicKey ?? (await request.publicKey.export()), [{ type: "url", value: uri }], validity);
    },
    async issueAuthority(name) {
      const authorityKeys = await generateKeys();
      const certificate = await X509CertificateGenerator.create({
        subject: `O=${name}`,
        issuer: own.subject,
        ...dates({}),
        signingAlgorithm: algorithm,
        publicKey: authorityKeys.publicKey,
        signingKey: keys.privateKey,
        extensions: [new BasicConstraintsExtension(true, undefined, true)],
      });
      return createAuthority(certificate, authorityKeys);
    },
  };
}

export function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function dates({ fromDays = -1, toDays = 1 }: TestValidity) {
  return { notBefore: new Date(Date.now() + fromDays * dayMs), notAfter: new Date(Date.now() + toDays * dayMs) };
}

async function exportKey(key: CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
