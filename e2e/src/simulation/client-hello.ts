const handshakeRecord = 22;
const clientHello = 1;
const serverNameExtension = 0;

/**
 * Reads the server name (SNI) out of the first bytes that a TLS client sends (RFC 8446, RFC 6066).
 * @returns undefined while bytes are missing; "" when it names none, or is no TLS
 */
export function readServerName(bytes: Buffer): string | undefined {
  if (bytes.length < 5) return undefined;
  if (bytes.readUInt8(0) !== handshakeRecord) return "";
  const end = 5 + bytes.readUInt16BE(3);
  if (bytes.length < end) return undefined;
  const record = bytes.subarray(5, end);
  try {
    if (record.readUInt8(0) !== clientHello) return "";
    // Type and length, version, random; then the session's id, cipher suites and compression methods, each with its length.
    let at = 4 + 2 + 32;
    at += 1 + record.readUInt8(at);
    at += 2 + record.readUInt16BE(at);
    at += 1 + record.readUInt8(at);
    return findServerName(record.subarray(at + 2));
  } catch {
    return "";
  }
}

function findServerName(extensions: Buffer): string {
  for (let at = 0; at + 4 <= extensions.length; at += 4 + extensions.readUInt16BE(at + 2)) {
    if (extensions.readUInt16BE(at) !== serverNameExtension) continue;
    // Length of the list, type of the name, length of the name.
    const length = extensions.readUInt16BE(at + 7);
    return extensions.toString("latin1", at + 9, at + 9 + length);
  }
  return "";
}
