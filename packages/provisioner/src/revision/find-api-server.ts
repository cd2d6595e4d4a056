import { isIP } from "node:net";
import { z } from "zod";
import { apiServerAddressesAnnotation, type ApiServerAddresses } from "../istio/render-isolation.ts";
import { istiodName } from "../istio/names.ts";
import { createServerAddressCheck } from "../kubeconfig/check-server-address.ts";
import type { RevisionScope } from "./scope.ts";

/** How long an address that a name has led to stays open, in milliseconds: DNS may answer a few of many, or change under open connections. */
const graceMs = 3_600_000;
/** A time that is newer than this is not written anew, in milliseconds: looks change nothing without need. */
const refreshAfterMs = graceMs / 2;

const SeenSchema = z.record(z.string(), z.iso.datetime());

/**
 * Where istiod has to reach the mesh cluster's API server, for the network policy: the addresses that its name has now, and those it had within
 * the last hour. The name is the tenant's, so what it leads to is checked as it is for Pilothouse's own connections: the policy must not open
 * the provider's network.
 */
export async function findApiServer(scope: RevisionScope): Promise<ApiServerAddresses> {
  const url = new URL(scope.mesh.server);
  const port = url.port === "" ? 443 : Number(url.port);
  const isAllowed = createServerAddressCheck(scope.provider);
  const addresses = (await isAllowed(url.hostname, scope.signal)).map(({ address }) => address);
  if (isIP(url.hostname.replace(/^\[(.*)\]$/, "$1")) !== 0) return { addresses, port };
  const seen = mergeSeen(await readSeen(scope), addresses, scope.nowMs());
  const earlier: string[] = [];
  for (const address of Object.keys(seen)) {
    if (addresses.includes(address)) continue;
    // What the provider has stopped to allow meanwhile is closed at once.
    const still = await isAllowed(address, scope.signal).catch(() => []);
    earlier.push(...still.map((found) => found.address));
  }
  return { addresses: [...addresses, ...earlier], port, seen };
}

async function readSeen({ istiodClient, revision }: RevisionScope): Promise<Record<string, string>> {
  const policy = await istiodClient.get({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    namespace: revision.id,
    name: istiodName,
  });
  const text = policy?.metadata.annotations?.[apiServerAddressesAnnotation];
  if (text === undefined) return {};
  try {
    return SeenSchema.parse(JSON.parse(text));
  } catch {
    return {};
  }
}

/** When each address was last seen: those of now, and earlier ones within the grace. */
export function mergeSeen(
  before: Readonly<Record<string, string>>,
  addresses: readonly string[],
  nowMs: number,
): Record<string, string> {
  const now = new Date(nowMs).toISOString();
  const ageMs = (at: string): number => nowMs - Date.parse(at);
  const kept = Object.entries(before).filter(([address, at]) => !addresses.includes(address) && ageMs(at) < graceMs);
  const current = addresses.map((address) => {
    const at = before[address];
    return [address, at !== undefined && ageMs(at) < refreshAfterMs ? at : now] as const;
  });
  return Object.fromEntries([...kept, ...current].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
