import { Resolver } from "node:dns/promises";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EtcdAccess, FleetContext } from "./context.ts";
import { backbonePart } from "./machine/network.ts";
import { findRunning, startProcess, waitUntilReady } from "./machine/processes.ts";
import { baseDomain, controlPlaneDomain } from "./plan.ts";

/** Key prefix of the records of revisions, as CoreDNS's etcd plugin reads them (`<prefix>/test/pilothouse/cp/<revision>`). */
export const recordPrefix = "/pilothouse";

/** Name that always resolves, to ask whether the server answers. */
const probeName = `ns.${baseDomain}`;

/**
 * Starts the fleet's name server. Records of revisions come from an etcd of their own, so that who may publish names cannot
 * read clusters; API servers' names are fixed.
 */
export async function ensureDns(context: FleetContext, records: EtcdAccess): Promise<void> {
  const { plan } = context;
  const folder = join(context.stateFolder, "dns");
  await mkdir(folder, { recursive: true });
  const fixed = [
    `${plan.dnsAddress} ${probeName}`,
    ...plan.clusters.map((cluster) => `${cluster.address} ${cluster.name}.api.${baseDomain}`),
  ];
  const corefile = join(folder, "Corefile");
  await writeFile(
    corefile,
    `${controlPlaneDomain}:53 {
  bind ${plan.dnsAddress}
  errors
  etcd ${controlPlaneDomain} {
    path ${recordPrefix}
    endpoint https://${plan.dnsAddress}:2379
    tls ${records.client.certificateFile} ${records.client.keyFile} ${records.authorityFile}
  }
}
.:53 {
  bind ${plan.dnsAddress}
  errors
  hosts {
${fixed.map((line) => `    ${line}`).join("\n")}
    ttl 30
  }
}
`,
  );
  if ((await findRunning(context.processes, "dns")) === undefined) {
    await startProcess(context.processes, {
      part: "dns",
      place: backbonePart,
      command: [context.paths["coredns"], "-conf", corefile],
    });
  }
  await waitUntilReady(context.processes, "dns", () => answersName(plan.dnsAddress, probeName, plan.dnsAddress), {
    timeoutMs: 20_000,
    signal: context.signal,
  });
}

/** Whether a name server answers a name with an address, within half a second. Never throws. */
export async function answersName(server: string, name: string, address: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([server]);
  return resolver.resolve4(name).then(
    (addresses) => addresses.includes(address),
    () => false,
  );
}
