/** The version lines of Istio that the manifest has parts for. */
export const istioLines = ["1.22", "1.32"] as const;
export type IstioLine = (typeof istioLines)[number];

/**
 * Every file and folder that a fleet uses, by name. All are files except `cni-plugins` and `charts-*`, which are
 * folders: of plugins, and of charts (`base`, `istio-control/istio-discovery`, ...).
 */
export const outputNames = [
  "pause",
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "kubectl",
  "helm",
  "coredns",
  "containerd",
  "containerd-shim-runc-v2",
  "ctr",
  "runc",
  "cni-plugins",
  "iptables",
  "iptables-save",
  "iptables-restore",
  "conntrack",
  "redis-server",
  "envoy",
  "pilot-discovery-1.22",
  "pilot-agent-1.22",
  "charts-1.22",
  "envoy-bootstrap-1.22",
  "pilot-discovery-1.32",
  "pilot-agent-1.32",
  "charts-1.32",
  "envoy-bootstrap-1.32",
] as const;
export type OutputName = (typeof outputNames)[number];

/** Absolute paths of parts' files and folders. */
export type PartPaths<Name extends OutputName = OutputName> = Readonly<Record<Name, string>>;
