import { readFile } from "node:fs/promises";
import type { FleetStatus } from "@pilothouse/fleet";
import {
  createCoreDnsEtcdPublisher,
  type DnsPublisher,
  type IstiodCluster,
  type IstioVersion,
  parseKubeconfig,
  type ProviderConfig,
} from "@pilothouse/provisioner";
import type { Fleet, FleetParts } from "./fleet.ts";

/** A fleet in the terms of the provisioner: what a provider would configure. */
export interface Ground {
  status: FleetStatus;
  parts: FleetParts;
  provider: ProviderConfig;
  dns: DnsPublisher;
  versions: IstioVersion[];
}

/** Reads a fleet that is up, or a simulation of one. */
export async function readGround(fleet: Pick<Fleet, "readStatus" | "readParts">): Promise<Ground> {
  const [status, parts] = await Promise.all([fleet.readStatus(), fleet.readParts()]);
  const helm = parts.paths["helm"];
  if (helm === undefined) throw new Error("the fleet's parts have no helm");
  const { records } = status.dns;
  const [certificateAuthority, clientCertificate, clientKey] = await Promise.all(
    [records.authorityFile, records.certificateFile, records.keyFile].map((file) => readFile(file, "utf8")),
  );
  if (certificateAuthority === undefined || clientCertificate === undefined || clientKey === undefined)
    throw new Error("unreadable DNS credentials");
  return {
    status,
    parts,
    provider: {
      domain: status.dns.domain,
      resolvers: [status.dns.server],
      allowedApiServerRanges: [status.network.cidr],
      plainEnvoy: true,
      helm,
    },
    dns: createCoreDnsEtcdPublisher({
      endpoint: records.endpoint,
      prefix: records.prefix,
      certificateAuthority,
      clientCertificate,
      clientKey,
    }),
    versions: parts.istio.map((line) => ({
      version: line.version,
      line: line.line,
      charts: line.charts,
      image: { ...line.image, pullPolicy: "Never" },
    })),
  };
}

/** The version of a line. */
export function findVersion(ground: Ground, line: string): IstioVersion {
  const version = ground.versions.find((candidate) => candidate.line === line);
  if (version === undefined) {
    throw new Error(
      `there is no version of line ${line}; there are ${ground.versions.map((known) => known.line).join(", ")}`,
    );
  }
  return version;
}

/** An istiod cluster of a line: in the region if there is one there. */
export async function findIstiodCluster(ground: Ground, line: string, region: string): Promise<IstiodCluster> {
  const candidates = ground.status.clusters.filter((cluster) => cluster.kind === "istiod" && cluster.line === line);
  const chosen = candidates.find((cluster) => cluster.region === region) ?? candidates[0];
  if (chosen?.edge === undefined) throw new Error(`no istiod cluster holds line ${line}`);
  return {
    name: chosen.name,
    line,
    access: parseKubeconfig(await readFile(chosen.kubeconfig, "utf8")).access,
    edgeAddresses: [chosen.edge.address],
  };
}
