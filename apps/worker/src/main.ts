import { readWorkerConfig } from "./config.ts";
import { createLog, describeError } from "./log.ts";
import { openProvider } from "./provider-settings.ts";
import { clusterProvisioner } from "./provisioner.ts";
import { startWorker } from "./worker.ts";

/** For the last lines of the log, in milliseconds. */
const exitMs = 1_000;

/** The worker as a program: configured by its environment, ended by SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const log = createLog((line) => process.stdout.write(line));
  const config = await readWorkerConfig(process.env);
  const { provider, dns } = await openProvider(config.provider);
  const worker = await startWorker({ ...config, provider, dns, provisioner: clusterProvisioner, log });
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    void worker
      .stop()
      .catch((error: unknown) => {
        log("error", "the worker did not stop in order", { error: describeError(error) });
        process.exitCode = 1;
      })
      // Nothing keeps the process now but what hangs.
      .finally(() => setTimeout(() => process.exit(), exitMs).unref());
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  // What had begun does not go on without the rest.
  setTimeout(() => process.exit(), exitMs).unref();
});
