/** The one door of this package. */
export { readWorkerConfig, type WorkerConfig } from "./config.ts";
export { openProvider, type ProviderSettings } from "./provider-settings.ts";
export { clusterProvisioner, type Provisioner } from "./provisioner.ts";
export { type RunningWorker, startWorker, type WorkerOptions } from "./worker.ts";
export { workerNodeFlags } from "./node-flags.ts";
