import { createSocket } from "node:dgram";
import { once } from "node:events";
import { onTestFinished } from "vitest";

/** IPv4 addresses, a response code of DNS (2 server failure, 3 no such name), or silence. */
export type DnsAnswer = string[] | { code: number } | "silence";

const headerBytes = 12;
const typeA = 1;

/** A DNS server on UDP that answers A questions as told and AAAA questions with nothing; returns its `ip:port`. */
export async function startDnsServer(answer: (name: string) => DnsAnswer): Promise<string> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const { name, end } = readName(query);
    const isA = query.readUInt16BE(end) === typeA;
    const found = answer(name);
    if (found === "silence") return;
    const question = query.subarray(headerBytes, end + 4);
    const addresses = Array.isArray(found) && isA ? found : [];
    const header = Buffer.from(query.subarray(0, headerBytes));
    header.writeUInt16BE(0x8180 | (Array.isArray(found) ? 0 : found.code), 2);
    header.writeUInt16BE(addresses.length, 6);
    header.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([header, question, ...addresses.map(encodeAddress)]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => {
    socket.close();
  });
  return `127.0.0.1:${socket.address().port}`;
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), end: at + 1 };
}

/** A record that points back to the question's name. */
function encodeAddress(address: string): Buffer {
  const record = Buffer.from("c00c00010001000000010004", "hex");
  return Buffer.concat([record, Buffer.from(address.split(".").map(Number))]);
}
