import { connect } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { FleetContext } from "./context.ts";
import { placePart } from "./machine/network.ts";
import { findRunning, startProcess, waitUntilReady } from "./machine/processes.ts";
import { controlPlaneDomain, type PlannedIstiodCluster } from "./plan.ts";

const type = (name: string): { "@type": string } => ({ "@type": `type.googleapis.com/${name}` });

/** Ports that an edge serves: webhooks and xDS. */
export const edgePorts = { webhook: 443, xds: 15012 } as const;

/** Where Envoy's administration interface listens, inside the node alone. */
const adminPort = 15900;

/**
 * The configuration of an edge, which never changes while it runs. TLS is passed through by SNI: `<revision>.<domain>` goes to
 * the Service `istiod` of the namespace `<revision>`; any other name is reset.
 * @param cluster.clusterDnsAddress resolves the Services' names.
 */
function edgeConfig(cluster: PlannedIstiodCluster): object {
  // A name asked for too early must work a second after its Service is there, so failures are not kept.
  const dnsCache = {
    name: "istiods",
    dns_lookup_family: "V4_ONLY",
    max_hosts: 65_536,
    host_ttl: "300s",
    dns_min_refresh_rate: "1s",
    dns_refresh_rate: "5s",
    dns_failure_refresh_rate: { base_interval: "0.2s", max_interval: "1s" },
    dns_query_timeout: "2s",
    typed_dns_resolver_config: {
      name: "envoy.network.dns_resolver.cares",
      typed_config: {
        ...type("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"),
        resolvers: [{ socket_address: { address: cluster.clusterDnsAddress, port_value: 53 } }],
        dns_resolver_options: { no_default_search_domain: true },
      },
    },
  };
  const listener = (name: string, port: number): object => ({
    name,
    address: { socket_address: { address: cluster.nodeAddress, port_value: port } },
    listener_filters: [
      {
        name: "envoy.filters.listener.tls_inspector",
        typed_config: type("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"),
      },
    ],
    filter_chains: [
      {
        filter_chain_match: { server_names: [`*.${controlPlaneDomain}`] },
        filters: [
          {
            name: "envoy.filters.network.set_filter_state",
            typed_config: {
              ...type("envoy.extensions.filters.network.set_filter_state.v3.Config"),
              on_new_connection: [
                {
                  object_key: "envoy.upstream.dynamic_host",
                  format_string: {
                    text_format_source: {
                      inline_string: "istiod.%CEL(connection.requested_server_name.split('.')[0])%.svc.cluster.local",
                    },
                    formatters: [
                      {
                        name: "envoy.formatter.cel",
                        typed_config: {
                          ...type("envoy.extensions.formatter.cel.v3.Cel"),
                          cel_config: { enable_string_functions: true },
                        },
                      },
                    ],
                  },
                },
                {
                  object_key: "envoy.upstream.dynamic_port",
                  format_string: { text_format_source: { inline_string: String(port) } },
                },
              ],
            },
          },
          {
            name: "envoy.filters.network.sni_dynamic_forward_proxy",
            typed_config: {
              ...type("envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig"),
              port_value: port,
              dns_cache_config: dnsCache,
            },
          },
          {
            name: "envoy.filters.network.tcp_proxy",
            typed_config: {
              ...type("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"),
              stat_prefix: name,
              cluster: "istiods",
              // xDS streams are silent for long; TCP keepalive below finds dead peers instead.
              idle_timeout: "0s",
            },
          },
        ],
      },
    ],
    socket_options: [
      { level: 1, name: 9, int_value: 1, state: "STATE_PREBIND", description: "SO_KEEPALIVE" },
      { level: 6, name: 4, int_value: 30, state: "STATE_PREBIND", description: "TCP_KEEPIDLE" },
      { level: 6, name: 5, int_value: 10, state: "STATE_PREBIND", description: "TCP_KEEPINTVL" },
    ],
  });
  return {
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: adminPort } } },
    static_resources: {
      listeners: [listener("webhook", edgePorts.webhook), listener("xds", edgePorts.xds)],
      clusters: [
        {
          name: "istiods",
          lb_policy: "CLUSTER_PROVIDED",
          connect_timeout: "2s",
          upstream_connection_options: {
            tcp_keepalive: { keepalive_time: 30, keepalive_interval: 10, keepalive_probes: 3 },
          },
          cluster_type: {
            name: "envoy.clusters.dynamic_forward_proxy",
            typed_config: {
              ...type("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"),
              dns_cache_config: dnsCache,
            },
          },
        },
      ],
    },
  };
}

/** Name of a cluster's edge part. */
const edgePart = (cluster: PlannedIstiodCluster): string => `${cluster.name}/edge`;

const accepts = (address: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 500 });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("connect", () => settle(true));
    socket.on("timeout", () => settle(false));
    socket.on("error", () => settle(false));
  });

/** Starts the edge of an istiod cluster on its node, and waits until both ports accept connections. */
export async function ensureEdge(context: FleetContext, cluster: PlannedIstiodCluster): Promise<void> {
  const part = edgePart(cluster);
  if ((await findRunning(context.processes, part)) === undefined) {
    const file = join(context.stateFolder, "clusters", cluster.name, "edge.yaml");
    await writeFile(file, stringify(edgeConfig(cluster), { aliasDuplicateObjects: false }));
    await startProcess(context.processes, {
      part,
      place: placePart(cluster),
      command: [
        context.paths["envoy"],
        "--config-path",
        file,
        "--log-level",
        "warning",
        "--concurrency",
        "1",
        "--disable-hot-restart",
      ],
    });
  }
  const isOpen = async (): Promise<boolean> =>
    (await Promise.all(Object.values(edgePorts).map((port) => accepts(cluster.nodeAddress, port)))).every(Boolean);
  await waitUntilReady(context.processes, part, isOpen, { timeoutMs: 30_000, intervalMs: 100, signal: context.signal });
}
