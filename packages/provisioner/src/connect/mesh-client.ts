import { createKubeClient } from "../kube/client.ts";
import type { TransportOptions } from "../kube/transport.ts";
import type { AddressCheck } from "../kube/checked-connector.ts";
import type { KubeClient } from "../kube/types.ts";
import { createServerAddressCheck } from "../kubeconfig/check-server-address.ts";
import type { ClusterAccess, MeshCluster, ProviderConfig } from "../types.ts";

/** How Pilothouse logs in to a connected mesh cluster. */
function accessMeshCluster(cluster: MeshCluster): ClusterAccess {
  const { server, certificateAuthority, tlsServerName, token } = cluster;
  return {
    server,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    credential: { token: token.token },
  };
}

type AddressRules = Pick<ProviderConfig, "allowedApiServerRanges" | "resolvers">;

/** One check for each configuration: who has the same shares connections. */
const checks = new WeakMap<AddressRules, AddressCheck>();

function checkFor(provider: AddressRules): AddressCheck {
  const known = checks.get(provider);
  if (known !== undefined) return known;
  const check = createServerAddressCheck(provider);
  checks.set(provider, check);
  return check;
}

/**
 * A client for a connected mesh cluster with Pilothouse's own identity. Every connection it opens goes to an address that was checked
 * for it, so that a name of the tenant's can't lead into the provider's networks later. Looks, sentinels and the connection's upkeep share them.
 */
export function createMeshClient(
  cluster: MeshCluster,
  provider: AddressRules,
  options: Omit<TransportOptions, "checkAddress" | "sharesConnections">,
): KubeClient {
  const sharing = { sharesConnections: true, checkAddress: checkFor(provider) };
  return createKubeClient(accessMeshCluster(cluster), { ...options, ...sharing });
}
