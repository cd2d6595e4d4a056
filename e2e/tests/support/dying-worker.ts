import { writeSync } from "node:fs";
import { clusterProvisioner, openProvider, type Provisioner, readWorkerConfig, startWorker } from "@pilothouse/worker";

/**
 * The worker as it is, but for one thing: it prints each step of a revision that has really been taken, and ends itself by SIGKILL right after the
 * one that DIE_AFTER names.
 */
function watchSteps<Request extends { onStep?: (step: never) => void }>(request: Request): Request {
  const onStep = (step: string): void => {
    // Written at once: what waits in a buffer is lost when the process ends itself.
    writeSync(1, `step ${step}\n`);
    if (step === process.env["DIE_AFTER"]) process.kill(process.pid, "SIGKILL");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- handed on to whom it was meant for
    request.onStep?.(step as never);
  };
  return { ...request, onStep };
}

const provisioner: Provisioner = {
  ...clusterProvisioner,
  reconcileRevision: (request) => clusterProvisioner.reconcileRevision(watchSteps(request)),
  removeRevision: (request) => clusterProvisioner.removeRevision(watchSteps(request)),
};

const config = await readWorkerConfig(process.env);
const { provider, dns } = await openProvider(config.provider);
const worker = await startWorker({ ...config, provider, dns, provisioner, log: () => undefined });
process.once("SIGTERM", () => void worker.stop());
