import { join } from "node:path";
import type { Environment } from "./parts/command.ts";
import { ensureParts } from "./parts/ensure-parts.ts";
import type { ClusterStatus } from "./status.ts";

/**
 * The fleet's own kubectl, as administrator of one of its clusters, from the host: API servers are reached there by address. What
 * kubectl keeps of clusters goes into the fleet's folder and with it.
 * @param cache folder of the parts; kubectl is got when it is not there
 */
export async function prepareKubectl(
  cluster: Pick<ClusterStatus, "kubeconfig">,
  places: { cache: string; fleetFolder: string },
  environment: Environment,
): Promise<{ program: string; environment: NodeJS.ProcessEnv }> {
  const program = await ensureParts({ cache: places.cache, environment, names: ["kubectl"] }).ready("kubectl");
  return {
    program,
    environment: {
      ...environment,
      KUBECONFIG: cluster.kubeconfig,
      KUBECACHEDIR: join(places.fleetFolder, "kubectl-cache"),
    },
  };
}
