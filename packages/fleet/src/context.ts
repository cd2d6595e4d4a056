import type { ProcessScope } from "./machine/processes.ts";
import type { KeyPairFiles } from "./pki.ts";
import type { PartPaths } from "./parts/outputs.ts";
import type { FleetPlan } from "./plan.ts";

/** The store behind all API servers, and who may speak to it. */
export interface EtcdAccess {
  authorityFile: string;
  client: KeyPairFiles;
}

/** What every step of bringing a fleet up needs. */
export interface FleetContext {
  plan: FleetPlan;
  /** Everything of this fleet that outlives its processes. */
  stateFolder: string;
  processes: ProcessScope;
  etcd: EtcdAccess;
  /** Programs and folders of the manifest. */
  paths: PartPaths;
  /** Environment in which these programs find their libraries and each other. */
  environment: Record<string, string>;
  /** Tars of the images that the containerd of a cluster of this version line shall hold. */
  images: (line: string) => string[];
  signal: AbortSignal;
  /** One line about what is going on. */
  report: (line: string) => void;
}
