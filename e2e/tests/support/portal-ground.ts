import { readTestGround, testFleet } from "./test-fleet.ts";

/** What of the fleet the portal's journey uses. */
export interface PortalGround {
  /** A mesh cluster. */
  cluster: string;
  /** Near which its control plane is placed. */
  seed: string;
  /** The newest line that the fleet has an istiod cluster of. */
  line: string;
  /** All istiod clusters of that line. */
  hosts: readonly string[];
}

const wantedCluster = "pay";

/** Reads from the fleet what there is. */
export async function chooseGround(): Promise<PortalGround> {
  const { clusters } = (await readTestGround()).status;
  const mesh = clusters.find(({ kind, name }) => kind === "mesh" && name === wantedCluster);
  if (mesh === undefined) throw new Error(`the fleet has no mesh cluster ${wantedCluster}`);
  const lines = clusters.flatMap(({ kind, line }) => (kind === "istiod" && line !== undefined ? [line] : []));
  const line = lines.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  if (line === undefined) throw new Error("the fleet has no istiod cluster");
  const hosts = clusters.filter((cluster) => cluster.kind === "istiod" && cluster.line === line);
  return { cluster: mesh.name, seed: `seed-${mesh.region}`, line, hosts: hosts.map(({ name }) => name) };
}

/** Kills the edge of an istiod cluster, or starts it again. */
export async function setEdge(istiodCluster: string, isUp: boolean): Promise<void> {
  await testFleet.run([isUp ? "start" : "kill", `${istiodCluster}/edge`], { quiet: true });
}
