/** Names of what is read, so that an event can say which of it is out of date. */
export const keys = {
  me: ["me"] as const,
  catalogue: ["catalogue"] as const,
  sessions: ["sessions"] as const,
  tenant: (tenant: string) => ["tenant", tenant] as const,
  clusters: (tenant: string) => ["tenant", tenant, "clusters"] as const,
  cluster: (tenant: string, name: string) => ["tenant", tenant, "cluster", name] as const,
  controlPlanes: (tenant: string) => ["tenant", tenant, "control-planes"] as const,
  controlPlane: (tenant: string, name: string) => ["tenant", tenant, "control-plane", name] as const,
  revisions: (tenant: string, controlPlane: string) => ["tenant", tenant, "revisions", controlPlane] as const,
  operations: (tenant: string) => ["tenant", tenant, "operations"] as const,
  operation: (tenant: string, id: string) => ["tenant", tenant, "operations", id] as const,
  events: (tenant: string) => ["tenant", tenant, "events"] as const,
  members: (tenant: string) => ["tenant", tenant, "members"] as const,
  apiKeys: (tenant: string) => ["tenant", tenant, "api-keys"] as const,
  admin: (what: string) => ["admin", what] as const,
} as const;
