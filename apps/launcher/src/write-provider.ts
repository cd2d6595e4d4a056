import { readFile } from "node:fs/promises";
import type { Ground } from "./fleet.ts";
import { writeJson } from "./places.ts";

/**
 * Writes what workers are told of the provider: a fleet's own DNS and addresses.
 * @returns whether it differs from what was there
 */
export async function writeProvider(file: string, { status, parts }: Ground): Promise<boolean> {
  const { endpoint, prefix, authorityFile, certificateFile, keyFile } = status.dns.records;
  const settings = {
    domain: status.dns.domain,
    resolvers: [status.dns.server],
    allowedApiServerRanges: [status.network.cidr],
    plainEnvoy: true,
    helm: parts.paths["helm"],
    dns: { kind: "coredns-etcd", endpoint, prefix, certificateAuthorityFile: authorityFile, certificateFile, keyFile },
  };
  const before = await readFile(file, "utf8").catch(() => "");
  await writeJson(file, settings);
  return before !== (await readFile(file, "utf8"));
}
