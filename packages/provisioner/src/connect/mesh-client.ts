import { createKubeClient } from "../kube/client.ts";
import type { TransportOptions } from "../kube/transport.ts";
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

/**
 * A client for a connected mesh cluster with Pilothouse's own identity. Every connection it opens goes to an address that was checked
 * for it, so that a name of the tenant's can't lead into the provider's networks later.
 */
export function createMeshClient(
  cluster: MeshCluster,
  provider: Pick<ProviderConfig, "allowedApiServerRanges" | "resolvers">,
  options: Omit<TransportOptions, "checkAddress">,
): KubeClient {
  return createKubeClient(accessMeshCluster(cluster), { ...options, checkAddress: createServerAddressCheck(provider) });
}
