import { readFile } from "node:fs/promises";

/** An established TCP connection over IPv4. */
export interface Connection {
  /** `address:port`, as is `peer`. */
  own: string;
  peer: string;
  /** Of the socket; never given twice while the machine runs for as long as the socket lives. */
  inode: string;
}

/** States of /proc/net/tcp. */
const established = "01";
const listening = "0A";

/** From the form of /proc/net/tcp: four bytes in the machine's order, which is little-endian here, and a port. */
function readAddress(text: string): string {
  const [address = "", port = ""] = text.split(":");
  const bytes = [...Buffer.from(address, "hex")].toReversed();
  return `${bytes.join(".")}:${Number.parseInt(port, 16)}`;
}

/** The sockets of one state in the network namespace of a process. */
async function listSockets(pid: number, state: string): Promise<Connection[]> {
  const [, ...rows] = (await readFile(`/proc/${pid}/net/tcp`, "utf8")).trim().split("\n");
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === state)
    .map((fields) => ({
      own: readAddress(fields[1] ?? ""),
      peer: readAddress(fields[2] ?? ""),
      inode: fields[9] ?? "",
    }));
}

const portOf = (address: string): string => address.slice(address.lastIndexOf(":") + 1);

/** The established connections in the network namespace of a process. */
export const listConnections = (pid: number): Promise<Connection[]> => listSockets(pid, established);

/** Those of the connections that were opened from inside the namespace to somewhere else. */
export async function listOutgoingConnections(pid: number): Promise<Connection[]> {
  const served = new Set((await listSockets(pid, listening)).map(({ own }) => portOf(own)));
  return (await listConnections(pid)).filter(({ own, peer }) => !served.has(portOf(own)) && !peer.startsWith("127."));
}
