import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";

/** By it handlers know where a request comes from. Set for each request, whatever was sent. */
export const clientHeader = "x-pilothouse-client";

/** Longest text that is taken for an address. */
const longestAddress = 45;

/**
 * Where a request comes from: the address that the outermost of the proxies in front of the service saw, or the connection's own where there are
 * none. What is further ahead in X-Forwarded-For anybody can write.
 * @param proxies how many there are, each of which adds whom it saw
 * @returns an IPv4 address, or an IPv6 network of 64 bits, all of which one place has
 */
export function findClient(
  { headers, socket }: { headers: IncomingMessage["headers"]; socket: { remoteAddress?: string | undefined } },
  proxies: number,
): string {
  const forwarded = headers["x-forwarded-for"];
  const named = typeof forwarded === "string" && proxies > 0 ? forwarded.split(",").map((part) => part.trim()) : [];
  const all = [...named, socket.remoteAddress ?? ""];
  return toPlace(all.at(-1 - proxies) ?? all[0] ?? "");
}

function toPlace(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").slice(0, longestAddress);
  return isIPv6(plain) ? toNetwork(plain) : plain;
}

/** The first 64 bits of an IPv6 address, written in one way. */
function toNetwork(address: string): string {
  const [head = "", tail] = address.split("::");
  const [first, last] = [head, tail ?? ""].map((part) => part.split(":").filter((group) => group !== ""));
  const groups = [...(first ?? [])];
  if (tail !== undefined) while (groups.length + (last?.length ?? 0) < 8) groups.push("0");
  const network = [...groups, ...(last ?? [])].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}
