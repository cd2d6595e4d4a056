import "reflect-metadata";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(crypto);

const { subtle } = x509.cryptoProvider.get();

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 24 * 3_600_000;
const lifetimeDays = 3650;

/** Files of one certificate authority and the leaf certificates it signed, in one folder. */
export interface CertificateAuthority {
  folder: string;
  certificateFile: string;
  certificate: x509.X509Certificate;
  keys: CryptoKeyPair;
}

/** What a leaf certificate says. With `hosts` it can serve; every leaf can be a client. */
export interface LeafRequest {
  commonName: string;
  organizations?: string[];
  /** DNS names and IP addresses. */
  hosts?: string[];
}

/** Paths of a certificate and its key. */
export interface KeyPairFiles {
  certificateFile: string;
  keyFile: string;
}

async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, file);
}

async function exportKey(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

async function importKeys(pem: string, certificate: x509.X509Certificate): Promise<CryptoKeyPair> {
  const privateKey = await subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(pem), algorithm, true, ["sign"]);
  return { privateKey, publicKey: await certificate.publicKey.export() };
}

const serialNumber = (): string => `00${randomBytes(15).toString("hex")}`;

const distinguishedName = (request: LeafRequest): x509.JsonName => [
  ...(request.organizations ?? []).map((organization) => ({ O: [organization] })),
  { CN: [request.commonName] },
];

/** Reads the authority of a folder, or makes it there when there is none. */
export async function ensureAuthority(folder: string, commonName: string): Promise<CertificateAuthority> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const certificateFile = join(folder, "ca.crt");
  const keyFile = join(folder, "ca.key");
  if (existsSync(certificateFile)) {
    const certificate = new x509.X509Certificate(await readFile(certificateFile, "utf8"));
    return {
      folder,
      certificateFile,
      certificate,
      keys: await importKeys(await readFile(keyFile, "utf8"), certificate),
    };
  }
  const keys = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + lifetimeDays * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeAtomically(keyFile, await exportKey(keys.privateKey));
  await writeAtomically(certificateFile, certificate.toString("pem"));
  return { folder, certificateFile, certificate, keys };
}

/** Reads the leaf `name` of an authority, or signs it when there is none. */
export async function ensureLeaf(
  authority: CertificateAuthority,
  name: string,
  request: LeafRequest,
): Promise<KeyPairFiles> {
  const files = {
    certificateFile: join(authority.folder, `${name}.crt`),
    keyFile: join(authority.folder, `${name}.key`),
  };
  if (existsSync(files.certificateFile)) return files;
  const keys = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const hosts = request.hosts ?? [];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: distinguishedName(request),
    issuer: authority.certificate.subject,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + lifetimeDays * dayMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.clientAuth,
        ...(hosts.length > 0 ? [x509.ExtendedKeyUsage.serverAuth] : []),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
      ...(hosts.length > 0
        ? [
            new x509.SubjectAlternativeNameExtension(
              hosts.map((host) => ({ type: isIP(host) ? ("ip" as const) : ("dns" as const), value: host })),
            ),
          ]
        : []),
    ],
  });
  await writeAtomically(files.keyFile, await exportKey(keys.privateKey));
  await writeAtomically(files.certificateFile, certificate.toString("pem"));
  return files;
}

/** Makes the pair that signs and checks ServiceAccount tokens, unless it is there. */
export async function ensureServiceAccountKey(folder: string): Promise<KeyPairFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = { certificateFile: join(folder, "service-account.pub"), keyFile: join(folder, "service-account.key") };
  if (existsSync(files.certificateFile)) return files;
  const pair = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await writeAtomically(files.keyFile, pair.privateKey);
  await writeAtomically(files.certificateFile, pair.publicKey);
  return files;
}
