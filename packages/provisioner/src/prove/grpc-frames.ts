const headerBytes = 5;

/** A message as gRPC sends it over HTTP/2: a flag for compression (none), four bytes of length, the message. */
export function encodeFrame(message: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/**
 * Takes a stream's bytes in any pieces and returns the whole messages in them. Throws on a compressed message (none was asked
 * for) and on one longer than `maxMessageBytes`.
 */
export function createFrameDecoder(maxMessageBytes: number): (chunk: Buffer) => Buffer[] {
  let pieces: Buffer[] = [];
  let heldBytes = 0;
  let neededBytes = headerBytes;

  const take = (): Buffer => {
    const whole = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, heldBytes);
    pieces = [whole];
    return whole;
  };

  return (chunk) => {
    pieces.push(chunk);
    heldBytes += chunk.length;
    const messages: Buffer[] = [];
    while (heldBytes >= neededBytes) {
      const whole = take();
      if (whole.readUInt8(0) !== 0) throw new Error("a compressed message, though none was asked for");
      const length = whole.readUInt32BE(1);
      if (length > maxMessageBytes) throw new Error(`a message of ${length} bytes; the limit is ${maxMessageBytes}`);
      neededBytes = headerBytes + length;
      if (heldBytes < neededBytes) break;
      messages.push(whole.subarray(headerBytes, neededBytes));
      const rest = whole.subarray(neededBytes);
      pieces = rest.length === 0 ? [] : [rest];
      heldBytes = rest.length;
      neededBytes = headerBytes;
    }
    return messages;
  };
}
