/** One rule of a Role or ClusterRole, as `rbac.authorization.k8s.io/v1` has it. */
export interface PolicyRule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
}

/** What istiod of one version line may do in the mesh cluster it serves. */
export interface IstiodRights {
  /** Istio minor, as `1.32`. */
  line: string;
  /** Rules that hold in the whole cluster. */
  clusterRules: PolicyRule[];
  /** Rules that hold in `istio-system` only. */
  systemRules: PolicyRule[];
}
