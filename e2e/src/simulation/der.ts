/** One element of DER: its tag, its content, and both together. */
export interface DerElement {
  tag: number;
  content: Buffer;
  whole: Buffer;
}

/** Writes an element (X.690, definite lengths). */
export function writeDer(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const digits = length.toString(16);
  const lengthBytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | lengthBytes.length]), lengthBytes, content]);
}

/** Reads the elements that lie one after the other in `bytes`. Throws when they are cut off. */
export function readDer(bytes: Buffer): DerElement[] {
  const found: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes.readUInt8(at + 1);
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
    const start = at + 2 + lengthBytes;
    const end = start + length;
    if (end > bytes.length) throw new RangeError("a DER element is longer than what holds it");
    found.push({ tag: bytes.readUInt8(at), content: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return found;
}

/** Wraps DER as PEM. */
export function writePem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The DER within the first block of a PEM text. */
export function readPem(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[A-Z ]+-----/g, ""), "base64");
}
