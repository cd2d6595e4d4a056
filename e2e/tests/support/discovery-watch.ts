import { createDeadline, createKubeClient, type MeshCluster, openRevisionStream } from "@pilothouse/provisioner";
import { readTestGround } from "./test-fleet.ts";

const clusterType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/** An hour: no test lasts longer, and a client must have a deadline. */
const sessionMs = 3_600_000;

/** One ADS stream, opened once and never again. */
export interface DiscoveryWatch {
  /** Names of the clusters in the newest answer. */
  clusters(): string[];
  /** How the stream ended; undefined while it is open. */
  end(): string | undefined;
  /** Round trip to istiod on the stream's own connection, in milliseconds. */
  ping(): Promise<number>;
  close(): Promise<void>;
}

/** Opens an ADS stream to a revision through its public name, as the probe's workload with a certificate of the mesh, and waits for clusters. */
export async function openDiscoveryWatch(
  mesh: MeshCluster,
  revision: { id: string; hostname: string; version: string },
): Promise<DiscoveryWatch> {
  const { provider } = await readTestGround();
  const { server, certificateAuthority, token } = mesh;
  const access = {
    server,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    credential: { token: token.token },
  };
  const meshClient = createKubeClient(access, { deadline: createDeadline(sessionMs) });
  const answered = Promise.withResolvers<void>();
  let clusters: string[] = [];
  let end: string | undefined;
  const stream = await openRevisionStream({
    meshClient,
    revision,
    provider,
    onResponse(response) {
      if (response.typeUrl !== clusterType) return;
      clusters = response.resourceNames;
      answered.resolve();
    },
    onEnd(reason) {
      end = JSON.stringify(reason);
      answered.reject(new Error(`the stream ended: ${end}`));
    },
    onDraining() {
      end = "istiod said that it will close the connection";
    },
  });
  await answered.promise;
  return {
    clusters: () => clusters,
    end: () => end,
    ping: () => stream.ping(),
    async close() {
      await stream.close();
      await meshClient.close();
    },
  };
}
