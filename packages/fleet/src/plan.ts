import type { Topology } from "./topology.ts";

/** The parent domain of everything a fleet names. `.test` is reserved for this (RFC 6761). */
export const baseDomain = "pilothouse.test";

/** Parent domain of revisions' hostnames. */
export const controlPlaneDomain = `cp.${baseDomain}`;

interface PlannedClusterBase {
  name: string;
  region: string;
  /** Where the API server and its controllers listen. */
  address: string;
  server: string;
  serviceCidr: string;
  /** First address of the Service range: the Service `kubernetes`. */
  kubernetesServiceAddress: string;
}

/** A cluster with a node, for istiods. */
export interface PlannedIstiodCluster extends PlannedClusterBase {
  kind: "istiod";
  line: string;
  nodeAddress: string;
  /** The backbone's end of the node's link. */
  nodeGateway: string;
  podCidr: string;
  clusterDnsAddress: string;
  /** Name of the link's end in the backbone; at most 15 characters. */
  link: string;
}

/** A tenant's cluster: an API with its controllers, no node. */
export interface PlannedMeshCluster extends PlannedClusterBase {
  kind: "mesh";
  seed: string;
}

export type PlannedCluster = PlannedIstiodCluster | PlannedMeshCluster;

/** Where everything of a fleet goes in the /16 that its slot gives it. */
export interface FleetPlan {
  name: string;
  slot: number;
  /** The one range of the fleet, to which the host has one route. */
  cidr: string;
  hostLink: string;
  hostAddress: string;
  backboneAddress: string;
  etcdAddress: string;
  dnsAddress: string;
  clusters: PlannedCluster[];
}

/**
 * Lays a topology out over addresses: the fleet of slot n has 10.(64+n).0.0/16. Pure: the same topology and slot give the same plan.
 * @param slot 0 to 63
 */
export function planFleet(name: string, topology: Topology, slot: number): FleetPlan {
  const base = `10.${64 + slot}`;
  const clusters: PlannedCluster[] = [];
  let node = 0;
  const clusterBase = (clusterName: string, region: string): PlannedClusterBase => {
    const index = clusters.length + 1;
    const address = `${base}.1.${index}`;
    return {
      name: clusterName,
      region,
      address,
      server: `https://${address}:6443`,
      serviceCidr: `${base}.${128 + index}.0/24`,
      kubernetesServiceAddress: `${base}.${128 + index}.1`,
    };
  };
  for (const region of topology.regions) {
    for (const cluster of region.istiodClusters) {
      const planned = clusterBase(cluster.name, region.name);
      clusters.push({
        ...planned,
        kind: "istiod",
        line: cluster.line,
        nodeGateway: `${base}.2.${node * 4 + 1}`,
        nodeAddress: `${base}.2.${node * 4 + 2}`,
        podCidr: `${base}.${64 + node}.0/24`,
        clusterDnsAddress: planned.kubernetesServiceAddress.replace(/\.1$/, ".10"),
        link: `node${node}`,
      });
      node += 1;
    }
  }
  for (const region of topology.regions) {
    for (const seed of region.seeds) {
      for (const cluster of seed.meshClusters) {
        clusters.push({ ...clusterBase(cluster.name, region.name), kind: "mesh", seed: seed.name });
      }
    }
  }
  return {
    name,
    slot,
    cidr: `${base}.0.0/16`,
    hostLink: `pilothouse${slot}`,
    hostAddress: `${base}.0.1`,
    backboneAddress: `${base}.0.2`,
    etcdAddress: `${base}.0.10`,
    dnsAddress: `${base}.0.53`,
    clusters,
  };
}
