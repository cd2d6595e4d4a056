import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { ProofFailure } from "./reasons.ts";
import { describeAbort } from "./time-limit.ts";

const noSuchName = new Set(["ENOTFOUND", "ENODATA"]);
/** RFC 8305's resolution delay: how long an IPv6 answer may hold back an IPv4 one. */
const secondFamilyGraceMs = 50;

/**
 * All addresses of `hostname`, IPv4 first, asked anew each time. `resolvers` are `ip` or `ip:port`; the system's when
 * absent. Fails with NameNotFound, ResolverUnavailable or Aborted.
 */
export async function resolveHostname(
  hostname: string,
  resolvers: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  if (isIP(hostname) !== 0) return [hostname];
  const resolver = new Resolver({ timeout: 1_500, tries: 2 });
  if (resolvers !== undefined) setServers(resolver, resolvers);
  const asked = resolvers?.join(", ") ?? "the system's resolvers";
  const cancel = () => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const fourth = settle(resolver.resolve4(hostname));
    const sixth = settle(resolver.resolve6(hostname));
    const ipv4 = await fourth;
    const ipv6 = ipv4.addresses.length === 0 ? await sixth : await Promise.race([sixth, waitForGrace()]);
    const addresses = [...ipv4.addresses, ...ipv6.addresses];
    if (addresses.length > 0) return addresses;
    const codes = [...ipv4.codes, ...ipv6.codes];
    const unavailable = new ProofFailure(
      "ResolverUnavailable",
      `${asked} did not say where ${hostname} is (${codes.join(", ")}). Check that Pilothouse reaches them.`,
      { codes },
    );
    if (signal.aborted) throw describeAbort(signal, unavailable);
    if (!codes.every((code) => noSuchName.has(code))) throw unavailable;
    throw new ProofFailure(
      "NameNotFound",
      `${hostname} has no address yet: its record is not published, or not yet seen by ${asked}.`,
      { codes },
    );
  } finally {
    signal.removeEventListener("abort", cancel);
    resolver.cancel();
  }
}

interface Answer {
  addresses: string[];
  codes: string[];
}

async function settle(answer: Promise<string[]>): Promise<Answer> {
  try {
    return { addresses: await answer, codes: [] };
  } catch (error) {
    return { addresses: [], codes: [readCode(error)] };
  }
}

function waitForGrace(): Promise<Answer> {
  return new Promise((resolve) => {
    setTimeout(() => resolve({ addresses: [], codes: [] }), secondFamilyGraceMs);
  });
}

function setServers(resolver: Resolver, resolvers: readonly string[]): void {
  try {
    resolver.setServers(resolvers);
  } catch (error) {
    throw new ProofFailure(
      "ResolverUnavailable",
      `The provider's DNS servers are not addresses: ${resolvers.join(", ")}. Give each as ip or ip:port.`,
      {},
      error,
    );
  }
}

function readCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "EUNKNOWN";
}
