import { createSocket } from "node:dgram";
import { once } from "node:events";

const headerBytes = 12;
const typeA = 1;
const nameError = 3;
const ttlSeconds = 5;

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

/** A record of type A that points back to the question's name (RFC 1035). */
function writeRecord(address: string): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(typeA, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(ttlSeconds, 6);
  record.writeUInt16BE(4, 10);
  record.set(address.split(".").map(Number), 12);
  return record;
}

/** A name server over UDP for IPv4 addresses. @returns its `ip:port` */
export async function startNameServer(
  address: string,
  resolve: (hostname: string) => string[],
): Promise<{ server: string; stop: () => Promise<void> }> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    if (query.length < headerBytes + 5) return;
    const { name, end } = readName(query);
    const found = resolve(name);
    const addresses = query.readUInt16BE(end) === typeA ? found : [];
    const header = Buffer.from(query.subarray(0, headerBytes));
    header.writeUInt16BE(0x8580 | (found.length === 0 ? nameError : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    header.writeUInt32BE(0, 8);
    const answer = Buffer.concat([header, query.subarray(headerBytes, end + 4), ...addresses.map(writeRecord)]);
    socket.send(answer, from.port, from.address);
  });
  socket.bind(0, address);
  await once(socket, "listening");
  return {
    server: `${address}:${socket.address().port}`,
    async stop() {
      socket.close();
      await once(socket, "close");
    },
  };
}
