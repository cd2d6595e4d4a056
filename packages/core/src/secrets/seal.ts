import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";

/** What a sealed secret is bound to: moved to another row, it can't be opened. */
export interface SealBinding {
  id: string;
  tenantId: string | null;
  purpose: "connect-kubeconfig" | "cluster-token" | "istiod-cluster-access";
  objectKind: string;
  objectId: string;
}

/** HPKE (RFC 9180), base mode: X25519, HKDF-SHA256, AES-256-GCM. Whoever has the public key can seal, and cannot open. */
const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** Length of the encapsulated key that comes before the ciphertext, in bytes (RFC 9180, table 2). */
const encapsulatedLength = 32;

const bind = (binding: SealBinding): ArrayBuffer =>
  toBuffer(
    new TextEncoder().encode(
      JSON.stringify([binding.id, binding.tenantId, binding.purpose, binding.objectKind, binding.objectId]),
    ),
  );

function toBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}

/** A fresh pair of raw keys. */
export async function createSealingKeys(): Promise<{ publicKey: Uint8Array; privateKey: Uint8Array }> {
  const pair = await suite.kem.generateKeyPair();
  const [publicKey, privateKey] = await Promise.all([
    suite.kem.serializePublicKey(pair.publicKey),
    suite.kem.serializePrivateKey(pair.privateKey),
  ]);
  return { publicKey: new Uint8Array(publicKey), privateKey: new Uint8Array(privateKey) };
}

/** Seals a text to a public key, bound to the row that will hold it. */
export async function sealSecret(publicKey: Uint8Array, binding: SealBinding, text: string): Promise<Uint8Array> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(toBuffer(publicKey));
  const sender = await suite.createSenderContext({ recipientPublicKey });
  const ciphertext = await sender.seal(toBuffer(new TextEncoder().encode(text)), bind(binding));
  return Buffer.concat([new Uint8Array(sender.enc), new Uint8Array(ciphertext)]);
}

/**
 * Opens what `sealSecret` made.
 * @throws Error that says nothing of the content, when it was sealed to another key, moved to another row, or changed
 */
export async function openSecret(privateKey: Uint8Array, binding: SealBinding, sealed: Uint8Array): Promise<string> {
  try {
    const recipientKey = await suite.kem.deserializePrivateKey(toBuffer(privateKey));
    const recipient = await suite.createRecipientContext({
      recipientKey,
      enc: toBuffer(sealed.subarray(0, encapsulatedLength)),
    });
    const text = await recipient.open(toBuffer(sealed.subarray(encapsulatedLength)), bind(binding));
    return new TextDecoder().decode(text);
  } catch {
    throw new Error(
      `Sealed secret ${binding.id} (${binding.purpose} of ${binding.objectKind} ${binding.objectId}) can't be opened: it was sealed to another key, belongs to another row, or was changed.`,
    );
  }
}
