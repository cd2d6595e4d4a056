import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { EtcdAccess, FleetContext } from "./context.ts";
import { backbonePart } from "./machine/network.ts";
import { findRunning, startProcess, waitUntilReady } from "./machine/processes.ts";
import { ensureAuthority, ensureLeaf } from "./pki.ts";
import { createApiClient } from "./cluster/api.ts";

/** An etcd of the fleet: the store of all API servers, or the one that holds DNS records. */
export interface EtcdRequest {
  part: "etcd" | "dns-etcd";
  address: string;
}

/** The folder in which an etcd keeps its certificates and data. */
const etcdFolder = (stateFolder: string, part: string): string => join(stateFolder, part);

/** Makes the authority and certificates of an etcd. Only holders of a certificate that it signed may speak to it. */
export async function ensureEtcdFiles(stateFolder: string, request: EtcdRequest): Promise<EtcdAccess> {
  const authority = await ensureAuthority(
    join(etcdFolder(stateFolder, request.part), "pki"),
    `${request.part} authority`,
  );
  await ensureLeaf(authority, "server", { commonName: request.part, hosts: [request.address] });
  return {
    authorityFile: authority.certificateFile,
    client: await ensureLeaf(authority, "client", { commonName: `${request.part}-client` }),
  };
}

/** Starts an etcd and waits until it answers. Writes are not flushed to disk one by one: a fleet survives kills, not power cuts. */
export async function ensureEtcd(
  context: Pick<FleetContext, "processes" | "stateFolder" | "paths" | "signal">,
  request: EtcdRequest,
  access: EtcdAccess,
): Promise<void> {
  const folder = etcdFolder(context.stateFolder, request.part);
  const pki = join(folder, "pki");
  await mkdir(join(folder, "data"), { recursive: true, mode: 0o700 });
  if ((await findRunning(context.processes, request.part)) === undefined) {
    await startProcess(context.processes, {
      part: request.part,
      place: backbonePart,
      command: [
        context.paths["etcd"],
        `--name=${request.part}`,
        `--data-dir=${join(folder, "data")}`,
        `--listen-client-urls=https://${request.address}:2379`,
        `--advertise-client-urls=https://${request.address}:2379`,
        `--listen-peer-urls=https://${request.address}:2380`,
        `--initial-advertise-peer-urls=https://${request.address}:2380`,
        `--initial-cluster=${request.part}=https://${request.address}:2380`,
        "--client-cert-auth=true",
        `--trusted-ca-file=${access.authorityFile}`,
        `--cert-file=${join(pki, "server.crt")}`,
        `--key-file=${join(pki, "server.key")}`,
        "--peer-client-cert-auth=true",
        `--peer-trusted-ca-file=${access.authorityFile}`,
        `--peer-cert-file=${join(pki, "server.crt")}`,
        `--peer-key-file=${join(pki, "server.key")}`,
        "--unsafe-no-fsync=true",
        "--auto-compaction-retention=5m",
        "--log-level=warn",
      ],
    });
  }
  const health = await createApiClient(`https://${request.address}:2379`, access.authorityFile, access.client);
  await waitUntilReady(context.processes, request.part, () => health.isReady(), {
    timeoutMs: 30_000,
    signal: context.signal,
  });
}
