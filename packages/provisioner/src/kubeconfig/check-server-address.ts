import { lookup, Resolver } from "node:dns/promises";
import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { ProvisionerError } from "../errors.ts";
import type { AddressCheck } from "../kube/checked-connector.ts";
import type { ProviderConfig } from "../types.ts";
import { untilAborted } from "../until-aborted.ts";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

/**
 * Public addresses behind which clouds serve credentials to their machines. The others lie in link-local, unique-local or
 * carrier-grade NAT ranges, which are refused anyway.
 */
const metadataAddresses = new Set([
  // AWS, GCP, Azure, OpenStack and others; AWS over IPv6; GCP over IPv6; Alibaba; Azure's wire server; Oracle.
  "169.254.169.254",
  "fd00:ec2::254",
  "fd20:ce::254",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
]);

/** RFC 6052. Its local-use sibling 64:ff9b:1::/48 says nothing about where packets go, and is refused. */
const nat64Prefix = ipaddr.IPv6.parseCIDR("64:ff9b::/96");

/** What to call ranges of ipaddr.js in a message; what is not here is called by that name. */
const rangeNames: Record<string, string> = {
  linkLocal: "link-local",
  carrierGradeNat: "carrier-grade NAT",
  uniqueLocal: "private (unique local)",
};

const resolveTimeoutMs = 2_000;
const resolveTries = 2;

/**
 * A check for `createKubeClient`: resolves a host and answers its addresses if the provider allows connecting to every one of
 * them. Public unicast addresses are allowed, all others only within `allowedApiServerRanges`; an address at which clouds
 * serve credentials only if a range names that address alone.
 *
 * The check throws ProvisionerErrors: `AddressNotAllowed` (user), `NameNotResolved` (transient; its cause has DNS's code).
 *
 * @throws ProvisionerError `RangeInvalid` (user) when a range of the configuration is none
 */
export function createServerAddressCheck(
  provider: Pick<ProviderConfig, "allowedApiServerRanges" | "resolvers">,
): AddressCheck {
  const allowed = provider.allowedApiServerRanges.map(parseRange);
  return async (host, signal) => {
    const addresses = await resolveHost(host, provider.resolvers, signal);
    for (const { address } of addresses) {
      const refused = findRefusal(ipaddr.parse(address), allowed);
      if (refused === undefined) continue;
      throw new ProvisionerError(
        "user",
        "AddressNotAllowed",
        `${host === address ? host : `${host} resolves to ${address}, which`} is ${refused} address. Pilothouse connects to public addresses only, unless the provider's configuration allows the range (allowedApiServerRanges).`,
      );
    }
    return addresses;
  };
}

/** What kind of address this is when it isn't allowed, with its article. */
function findRefusal(address: Address, allowed: readonly Range[]): string | undefined {
  const inner = unwrapIPv4(address);
  if (inner) return findRefusal(inner, allowed);
  const isMetadata = metadataAddresses.has(address.toString());
  const isAllowed = allowed.some(([base, bits]) => {
    if (base.kind() !== address.kind() || (isMetadata && bits !== address.toByteArray().length * 8)) return false;
    return address.match(base, bits);
  });
  if (isAllowed) return undefined;
  if (isMetadata) return "a cloud's metadata";
  const range = address.range();
  if (range === "unicast" && !isIPv4Compatible(address)) return undefined;
  const name = rangeNames[range] ?? (range === "unicast" ? "reserved" : range);
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}

/** The IPv4 address within an IPv4-mapped (::ffff:0:0/96) or NAT64 (64:ff9b::/96) one: that is where packets go. */
function unwrapIPv4(address: Address): ipaddr.IPv4 | undefined {
  if (!(address instanceof ipaddr.IPv6)) return undefined;
  if (address.range() !== "ipv4Mapped" && !address.match(nat64Prefix)) return undefined;
  return new ipaddr.IPv4(address.toByteArray().slice(12));
}

/** ::a.b.c.d, deprecated by RFC 4291 and not known to ipaddr.js as a range. */
function isIPv4Compatible(address: Address): boolean {
  return (
    address instanceof ipaddr.IPv6 &&
    address
      .toByteArray()
      .slice(0, 12)
      .every((byte) => byte === 0)
  );
}

function parseRange(text: string): Range {
  try {
    const [base, bits] = ipaddr.parseCIDR(text);
    return [base, bits];
  } catch {
    throw new ProvisionerError(
      "user",
      "RangeInvalid",
      `"${text}" is no range of addresses. Write it as 10.0.0.0/8 or fd00::/8.`,
      { parameter: "allowedApiServerRanges" },
    );
  }
}

async function resolveHost(
  host: string,
  resolvers: string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<LookupAddress[]> {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(bare);
  if (family !== 0) return [{ address: bare, family }];
  // Every resolver should answer these so (RFC 6761), and some don't.
  if (/(^|\.)localhost\.?$/i.test(bare)) return [{ address: "127.0.0.1", family: 4 }];
  try {
    return resolvers === undefined || resolvers.length === 0
      ? await lookupBySystem(bare, signal)
      : await lookupByResolvers(bare, resolvers, signal);
  } catch (error) {
    if (error instanceof ProvisionerError) throw error;
    const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
    throw createResolveError(bare, code);
  }
}

async function lookupBySystem(host: string, signal: AbortSignal | undefined): Promise<LookupAddress[]> {
  const answer = lookup(host, { all: true });
  // getaddrinfo can't be cancelled: its answer is dropped.
  return signal === undefined ? answer : untilAborted(answer, signal, () => createResolveError(host, "ECANCELLED"));
}

async function lookupByResolvers(
  host: string,
  servers: string[],
  signal: AbortSignal | undefined,
): Promise<LookupAddress[]> {
  const resolver = new Resolver({ timeout: resolveTimeoutMs, tries: resolveTries });
  resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = [
      ...(v4.status === "fulfilled" ? v4.value.map((address) => ({ address, family: 4 })) : []),
      ...(v6.status === "fulfilled" ? v6.value.map((address) => ({ address, family: 6 })) : []),
    ];
    if (addresses.length > 0) return addresses;
    throw v4.status === "rejected" ? v4.reason : createResolveError(host, "ENODATA");
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

function createResolveError(host: string, code: string): ProvisionerError {
  return new ProvisionerError(
    "transient",
    "NameNotResolved",
    `The name ${host} does not resolve (${code}). Check the name, or the DNS servers in use.`,
    { cause: { code } },
  );
}
