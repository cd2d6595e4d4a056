/** Fields of a protobuf message by number, each with its bytes in order; numbers of varint fields come as decimal text. */
export type WireFields = Map<number, Buffer[]>;

const varintType = 0;
const bytesType = 2;

function writeVarint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 0x80)) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 0x80) | 0x80);
  }
}

/** Writes a field of strings, bytes or messages. */
export function writeField(number: number, value: string | Buffer): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([writeVarint(number * 8 + bytesType), writeVarint(bytes.length), bytes]);
}

/** Reads a message: fields of strings, bytes and messages; others are passed over. Throws when it is cut off. */
export function readFields(message: Buffer): WireFields {
  const fields: WireFields = new Map();
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = message.readUInt8(at);
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = readVarint();
    const number = Math.floor(key / 8);
    const type = key % 8;
    if (type === varintType) {
      fields.set(number, [...(fields.get(number) ?? []), Buffer.from(String(readVarint()))]);
    } else if (type === bytesType) {
      const length = readVarint();
      if (at + length > message.length) throw new RangeError("a protobuf field is cut off");
      fields.set(number, [...(fields.get(number) ?? []), message.subarray(at, at + length)]);
      at += length;
    } else at += type === 1 ? 8 : 4;
  }
  return fields;
}

/** The first value of a field as text; "" when it is absent, as in proto3. */
export const readText = (fields: WireFields, number: number): string => fields.get(number)?.[0]?.toString("utf8") ?? "";

/** A message in gRPC's frame: no compression, four bytes of length. */
export function writeFrame(message: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** Takes bytes in any pieces, and returns the whole messages that they complete. */
export function createFrameReader(): (chunk: Buffer) => Buffer[] {
  let held = Buffer.alloc(0);
  return (chunk) => {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    const messages: Buffer[] = [];
    while (held.length >= 5 && held.length >= 5 + held.readUInt32BE(1)) {
      const end = 5 + held.readUInt32BE(1);
      messages.push(held.subarray(5, end));
      held = held.subarray(end);
    }
    return messages;
  };
}
