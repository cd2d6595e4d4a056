import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { z } from "zod";
import { clusterProvisioner, openProvider, type Provisioner, readWorkerConfig, startWorker } from "@pilothouse/worker";
import { clusterObject, readDeathPlan, takeDeath, type WorkerLine } from "./death-plan.ts";

/**
 * The worker as it is, but for this: it prints each step that has really been taken and ends itself by SIGKILL right after those of the plan in the
 * folder that DEATHS names; and where the plan says so it takes tokens for old.
 */
const folder = process.env["DEATHS"] ?? "";

/** Past 60 % of the hour that istiods' first tokens live. */
const tokenAheadMs = 42 * 60_000;
/** Past 60 % of the day that Pilothouse's own token lives. */
const connectionAheadMs = 17 * 3_600_000;

/** Written at once: what waits in a buffer is lost when the process ends itself. */
const say = (line: WorkerLine): void => void writeSync(1, `${JSON.stringify(line)}\n`);

/** A verb's request whose steps are watched, as the verb begins. */
function watch<Request extends { onStep?: (step: never) => void }>(
  verb: keyof Provisioner,
  object: string,
  request: Request,
): Request {
  say({ atMs: Date.now(), object, verb });
  const onStep = (step: string): void => {
    const dies = takeDeath(folder, object, step);
    say({ atMs: Date.now(), object, step, dies });
    if (dies) process.kill(process.pid, "SIGKILL");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- handed on to whom it was meant for
    request.onStep?.(step as never);
  };
  return { ...request, onStep };
}

const provisioner: Provisioner = {
  ...clusterProvisioner,
  connectCluster: (request) => clusterProvisioner.connectCluster(watch("connectCluster", clusterObject, request)),
  disconnectCluster: (request) =>
    clusterProvisioner.disconnectCluster(watch("disconnectCluster", clusterObject, request)),
  renewClusterToken(request) {
    const isAged = Date.parse(request.cluster.token.issuedAt) < readDeathPlan(folder).agedBeforeMs;
    const nowMs = (): number => Date.now() + (isAged ? connectionAheadMs : 0);
    return clusterProvisioner.renewClusterToken({ ...watch("renewClusterToken", clusterObject, request), nowMs });
  },
  reconcileRevision(request) {
    const { revision } = request;
    const isAged = readDeathPlan(folder).aged.includes(revision.controlPlane);
    const nowMs = (): number => Date.now() + (isAged ? tokenAheadMs : 0);
    // The next token lives so long that it is not due at once, too.
    const tokenLifetimeSeconds = isAged ? 12 * 3_600 : 3_600;
    const watched = watch("reconcileRevision", revision.controlPlane, request);
    return clusterProvisioner.reconcileRevision({ ...watched, nowMs, revision: { ...revision, tokenLifetimeSeconds } });
  },
  removeRevision: (request) =>
    clusterProvisioner.removeRevision(watch("removeRevision", request.revision.controlPlane, request)),
};

const config = await readWorkerConfig(process.env);
const { provider, dns } = await openProvider(config.provider);
const log = (level: string, message: string, fields = {}): void => {
  say({ atMs: Date.now(), level, message, fields: z.json().parse(JSON.parse(JSON.stringify(fields))) });
};
const worker = await startWorker({ ...config, provider, dns, provisioner, log });
// As main.ts does: what still hangs then does not keep the process.
process.once("SIGTERM", () => void worker.stop().finally(() => setTimeout(() => process.exit(), 1_000).unref()));
// What ends by SIGKILL leaves no cache by itself.
flushCompileCache();
