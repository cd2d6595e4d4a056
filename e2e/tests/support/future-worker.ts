import { clusterProvisioner, openProvider, type Provisioner, readWorkerConfig, startWorker } from "@pilothouse/worker";

/** The worker as it is, but for one thing: by its clock AHEAD_MS milliseconds have passed more, so that tokens are to be renewed. */
const nowMs = (): number => Date.now() + Number(process.env["AHEAD_MS"] ?? 0);

const provisioner: Provisioner = {
  ...clusterProvisioner,
  renewClusterToken: (request) => clusterProvisioner.renewClusterToken({ ...request, nowMs }),
  reconcileRevision: (request) => clusterProvisioner.reconcileRevision({ ...request, nowMs }),
};

const config = await readWorkerConfig(process.env);
const { provider, dns } = await openProvider(config.provider);
const log = (level: string, message: string, fields = {}): void =>
  void process.stdout.write(`${JSON.stringify({ level, message, ...fields })}\n`);
const worker = await startWorker({ ...config, provider, dns, provisioner, log });
process.once("SIGTERM", () => void worker.stop());
