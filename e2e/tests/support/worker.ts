import { once } from "node:events";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import {
  connectCluster,
  createDeadline,
  disconnectCluster,
  type MeshCluster,
  ProvisionerError,
} from "@pilothouse/provisioner";
import { readFile } from "node:fs/promises";
import { reconcileUntilReady, removeUntilDone } from "../../src/reconcile-loop.ts";
import { describeRevision, findKubeconfig } from "./mesh.ts";
import { describeRenewal, reconcileUntilRenewed, renewConnection } from "./renewals.ts";
import { readTestGround } from "./test-fleet.ts";

/**
 * A process that does one job of the provisioner and stops itself, by SIGKILL or SIGSTOP, right after a step: the first line of its
 * standard input says what. Steps are printed as they are taken.
 */
const JobSchema = z.object({
  verb: z.enum(["connect", "reconcile", "renewCredential", "remove", "renewConnection", "disconnect"]),
  /** Name of the mesh cluster. */
  cluster: z.string(),
  line: z.string().default("1.32"),
  revision: z.string().default(""),
  /** The connection, where the verb needs one. */
  mesh: z.unknown().optional(),
  /** Where a renewed connection is stored. */
  connectionFile: z.string().default(""),
  /** How far the clock of the renewals is ahead of the machine's, in milliseconds. */
  aheadMs: z.int().default(0),
  stopAfter: z.string().optional(),
  signal: z.enum(["SIGKILL", "SIGSTOP"]).default("SIGKILL"),
  /** Of each call, in milliseconds. */
  deadlineMs: z.int().default(60_000),
});

async function readJob(): Promise<z.infer<typeof JobSchema>> {
  const lines = createInterface({ input: process.stdin });
  const [line] = z.tuple([z.string()]).parse(await once(lines, "line"));
  lines.close();
  return JobSchema.parse(JSON.parse(line));
}

async function work(): Promise<void> {
  const job = await readJob();
  let isDone = false;
  const onStep = (step: string): void => {
    // Written at once: what waits in a buffer is lost when the process stops itself.
    writeSync(1, `${step}\n`);
    if (step !== job.stopAfter || isDone) return;
    isDone = true;
    process.kill(process.pid, job.signal);
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the test that starts this process hands over what connectCluster returned
  const mesh = job.mesh as MeshCluster;
  const { provider, versions } = await readTestGround();
  const deadline = createDeadline(job.deadlineMs);
  const nowMs = (): number => Date.now() + job.aheadMs;
  switch (job.verb) {
    case "connect": {
      const kubeconfig = await readFile(await findKubeconfig(job.cluster), "utf8");
      await connectCluster({ id: job.cluster, kubeconfig, provider, versions, deadline, onStep });
      return;
    }
    case "reconcile":
      await reconcileUntilReady(
        { ...(await describeRevision(mesh, job.line, job.revision)), onStep },
        { timeoutMs: job.deadlineMs, callLimitMs: job.deadlineMs },
      );
      return;
    case "renewCredential":
      await reconcileUntilRenewed(
        { ...(await describeRenewal(mesh, job.line, job.revision)), onStep, nowMs },
        { timeoutMs: job.deadlineMs },
      );
      return;
    case "renewConnection":
      await renewConnection(job.connectionFile, { cluster: mesh, provider, deadline, onStep, nowMs });
      return;
    case "remove":
      await removeUntilDone(
        { ...(await describeRevision(mesh, job.line, job.revision)), onStep, giveUpAtMs: Date.now() + job.deadlineMs },
        { timeoutMs: job.deadlineMs },
      );
      return;
    case "disconnect":
      await disconnectCluster({ cluster: mesh, provider, deadline, removeSystemNamespace: true, onStep });
  }
}

try {
  await work();
} catch (error) {
  process.stdout.write(
    `failed: ${error instanceof ProvisionerError ? `${error.code}: ` : ""}${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
