import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { readDer, readPem, writeDer, writePem } from "./der.ts";

const tag = { integer: 2, bits: 3, octets: 4, oid: 6, utf8: 12, sequence: 0x30, set: 0x31, time: 0x18 } as const;
const ecdsaWithSha256 = writeDer(tag.sequence, writeDer(tag.oid, Buffer.from("2a8648ce3d040302", "hex")));
const yes = Buffer.from("0101ff", "hex");
const dayMs = 86_400_000;

/** A name in a certificate: of a server, or a workload's identity. */
export type CertificateName = { dns: string } | { uri: string } | { ip: string };

/** A certificate authority with an ECDSA P-256 key; all PEM. */
export interface Authority {
  certificate: string;
  privateKey: string;
  /** Signs a public key, given as the DER of its SubjectPublicKeyInfo. */
  issue: (publicKey: Buffer, wish: LeafWish) => string;
}

/** What a certificate that is no authority's says. */
export interface LeafWish {
  names: readonly CertificateName[];
  /** A day when absent, in milliseconds. */
  lifetimeMs?: number;
  /** Whom it is for, beside its names: for clients of an API server the group they belong to. */
  organisation?: string;
}

/** A key pair, with its public half as SubjectPublicKeyInfo. */
export interface KeyPair {
  privateKey: string;
  publicKey: Buffer;
}

/** Makes an ECDSA P-256 key pair. */
export function createKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: publicKey.export({ type: "spki", format: "der" }),
  };
}

const writeTime = (ms: number): Buffer =>
  writeDer(tag.time, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`));

/** A distinguished name of an organisation alone, as Istio's own root has it. */
const writeSubject = (organisation: string): Buffer =>
  writeDer(
    tag.sequence,
    ...(organisation === ""
      ? []
      : [
          writeDer(
            tag.set,
            writeDer(
              tag.sequence,
              writeDer(tag.oid, Buffer.from("55040a", "hex")),
              writeDer(tag.utf8, Buffer.from(organisation)),
            ),
          ),
        ]),
  );

function writeName(name: CertificateName): Buffer {
  if ("dns" in name) return writeDer(0x82, Buffer.from(name.dns));
  if ("uri" in name) return writeDer(0x86, Buffer.from(name.uri));
  return writeDer(0x87, Buffer.from(name.ip.split(".").map(Number)));
}

const writeExtension = (oid: string, isCritical: boolean, value: Buffer): Buffer =>
  writeDer(
    tag.sequence,
    writeDer(tag.oid, Buffer.from(oid, "hex")),
    ...(isCritical ? [yes] : []),
    writeDer(tag.octets, value),
  );

interface CertificateWish {
  issuer: string;
  subject: string;
  publicKey: Buffer;
  names: readonly CertificateName[];
  isAuthority: boolean;
  lifetimeMs: number;
}

/** A version 3 certificate (RFC 5280) in PEM. */
function writeCertificate(wish: CertificateWish, signingKey: KeyObject): string {
  const nowMs = Date.now();
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x3f) | 0x40, 0);
  const usage = wish.isAuthority ? "03020106" : "03020780";
  const extensions = [
    writeExtension("551d0f", true, Buffer.from(usage, "hex")),
    writeExtension("551d13", true, writeDer(tag.sequence, ...(wish.isAuthority ? [yes] : []))),
    ...(wish.names.length === 0
      ? []
      : [writeExtension("551d11", wish.subject === "", writeDer(tag.sequence, ...wish.names.map(writeName)))]),
  ];
  const body = writeDer(
    tag.sequence,
    writeDer(0xa0, writeDer(tag.integer, Buffer.from([2]))),
    writeDer(tag.integer, serial),
    ecdsaWithSha256,
    writeSubject(wish.issuer),
    writeDer(tag.sequence, writeTime(nowMs - 120_000), writeTime(nowMs + wish.lifetimeMs)),
    writeSubject(wish.subject),
    wish.publicKey,
    writeDer(0xa3, writeDer(tag.sequence, ...extensions)),
  );
  const signature = sign("sha256", body, signingKey);
  const whole = writeDer(tag.sequence, body, ecdsaWithSha256, writeDer(tag.bits, Buffer.from([0]), signature));
  return writePem("CERTIFICATE", whole);
}

/** Makes a self-signed authority of this name, or takes up one from its certificate and key. */
export function createAuthority(organisation: string, known?: { certificate: string; privateKey: string }): Authority {
  const keys = known === undefined ? createKeyPair() : undefined;
  const privateKey = known?.privateKey ?? keys?.privateKey ?? "";
  const signingKey = createPrivateKey(privateKey);
  const common = { issuer: organisation, names: [], lifetimeMs: 3_650 * dayMs };
  const certificate =
    known?.certificate ??
    writeCertificate(
      {
        ...common,
        subject: organisation,
        publicKey: createPublicKey(signingKey).export({ type: "spki", format: "der" }),
        isAuthority: true,
      },
      signingKey,
    );
  return {
    certificate,
    privateKey,
    issue: (publicKey, { names, lifetimeMs = dayMs, organisation: subject = "" }) =>
      writeCertificate({ ...common, subject, publicKey, names, isAuthority: false, lifetimeMs }, signingKey),
  };
}

/**
 * The public key of a certificate request (PKCS #10, PEM), as SubjectPublicKeyInfo.
 * @throws Error when it can't be read or is not signed with that key
 */
export function readRequestedKey(csr: string): Buffer {
  const [request] = readDer(readPem(csr));
  const [body, , signature] = readDer(request?.content ?? Buffer.alloc(0));
  const publicKey = body === undefined ? undefined : readDer(body.content)[2];
  if (body === undefined || signature === undefined || publicKey === undefined)
    throw new Error("it is no certificate request");
  const key = createPublicKey({ key: publicKey.whole, format: "der", type: "spki" });
  if (!verify("sha256", body.whole, key, signature.content.subarray(1))) throw new Error("its signature is wrong");
  return publicKey.whole;
}

/** A short name for a text, the same for the same text. */
export const digest = (text: string | Buffer, length = 16): string =>
  createHash("sha256").update(text).digest("hex").slice(0, length);
