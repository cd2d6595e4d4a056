import { readFile } from "node:fs/promises";
import { createCoreDnsEtcdPublisher, type DnsPublisher, type ProviderConfig } from "@pilothouse/provisioner";
import { z } from "zod";

/** What the provider decides once: the file that PILOTHOUSE_PROVIDER names. */
export const providerSettingsSchema = z.strictObject({
  domain: z.string().min(1),
  resolvers: z.array(z.string()).optional(),
  allowedApiServerRanges: z.array(z.string()),
  plainEnvoy: z.boolean().optional(),
  helm: z.string().min(1),
  dns: z.strictObject({
    kind: z.literal("coredns-etcd"),
    endpoint: z.url(),
    prefix: z.string(),
    certificateAuthorityFile: z.string(),
    certificateFile: z.string(),
    keyFile: z.string(),
  }),
});

export type ProviderSettings = z.infer<typeof providerSettingsSchema>;

/** The provider in the provisioner's terms, and the publisher of its DNS records. Reads the certificates' files. */
export async function openProvider(
  settings: ProviderSettings,
): Promise<{ provider: ProviderConfig; dns: DnsPublisher }> {
  const { domain, resolvers, allowedApiServerRanges, plainEnvoy, helm, dns } = settings;
  const [certificateAuthority, clientCertificate, clientKey] = await Promise.all([
    readFile(dns.certificateAuthorityFile, "utf8"),
    readFile(dns.certificateFile, "utf8"),
    readFile(dns.keyFile, "utf8"),
  ]);
  return {
    provider: {
      domain,
      ...(resolvers === undefined ? {} : { resolvers }),
      allowedApiServerRanges,
      ...(plainEnvoy === undefined ? {} : { plainEnvoy }),
      helm,
    },
    dns: createCoreDnsEtcdPublisher({
      endpoint: dns.endpoint,
      prefix: dns.prefix,
      certificateAuthority,
      clientCertificate,
      clientKey,
    }),
  };
}
