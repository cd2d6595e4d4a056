/** What one workspace may import. */
export interface PackageRule {
  /** The name behind `@pilothouse/`. */
  name: string;
  /** Folder from the repository's root. */
  directory: string;
  /** Workspaces it may import, by short name. */
  ours: readonly string[];
  /** Packages it may import from outside; without it, any that its package.json names. */
  external?: readonly string[];
}

/** The one direction in which workspaces may import each other: each row names all that its workspace may see. */
export const packageRules: readonly PackageRule[] = [
  { name: "contract", directory: "packages/contract", ours: [], external: ["zod", "vitest"] },
  { name: "core", directory: "packages/core", ours: ["contract"] },
  { name: "provisioner", directory: "packages/provisioner", ours: ["contract"] },
  { name: "fleet", directory: "packages/fleet", ours: [] },
  { name: "web", directory: "apps/web", ours: ["contract", "core"] },
  { name: "worker", directory: "apps/worker", ours: ["contract", "core", "provisioner"] },
  // The fleet for its types alone: it speaks to everything by commands and over REST, as a person does.
  { name: "launcher", directory: "apps/launcher", ours: ["contract", "fleet"] },
  { name: "cli", directory: "apps/cli", ours: ["contract"] },
  // The worker only to run it with a fault built in, as dying after a step; the core only to look behind the service's back: into its database,
  // its queue, and what is sealed there.
  { name: "e2e", directory: "e2e", ours: ["contract", "core", "fleet", "provisioner", "worker"] },
];

/** Packages from outside that are fenced off: only these workspaces may import them. */
export const fencedPackages: readonly { name: string; importers: readonly string[] }[] = [
  { name: "@kubernetes/client-node", importers: ["provisioner"] },
  { name: "@prisma/client", importers: ["core"] },
  { name: "prisma", importers: ["core"] },
  { name: "bullmq", importers: ["core", "worker"] },
];

/** Scope of the workspaces' names. */
export const scope = "@pilothouse/";
