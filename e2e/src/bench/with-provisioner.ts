import { readFile } from "node:fs/promises";
import {
  connectCluster,
  createDeadline,
  disconnectCluster,
  type IstiodCluster,
  type IstioVersion,
  type RevisionRequest,
} from "@pilothouse/provisioner";
import type { Ground } from "../ground.ts";
import { reconcileUntilReady, removeUntilDone } from "../reconcile-loop.ts";
import type { TimedRun } from "./statistics.ts";

const callLimitMs = 60_000;
const provisionLimitMs = 120_000;
const removalLimitMs = 90_000;

/** The provisioner's functions with a version in a pair of clusters. */
export interface WithProvisioner {
  /** From the mesh cluster's kubeconfig to a revision that is Ready: all four proofs hold. */
  provision(revisionId: string): Promise<ProvisionRun>;
  /** Takes away what the last `provision` made, as far as it got. */
  remove(): Promise<void>;
}

/** One run, and what its proofs took. */
export interface ProvisionRun extends TimedRun {
  kubernetesVersion: string;
  proofsMs: ReadonlyMap<string, number>;
}

/** `namespacesCreated` as `namespaces created`. */
export const toWords = (step: string): string => step.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/**
 * Prepares the provisioner's side. The functions run in this process, as they do in a worker that has run for a while.
 *
 * @param mesh name of the mesh cluster and path of its administrator's kubeconfig
 */
export async function prepareWithProvisioner(
  ground: Ground,
  version: IstioVersion,
  mesh: { name: string; kubeconfig: string },
  istiodCluster: IstiodCluster,
): Promise<WithProvisioner> {
  const { dns, provider, versions } = ground;
  const kubeconfig = await readFile(mesh.kubeconfig, "utf8");
  let made: Omit<RevisionRequest, "deadline"> | undefined;
  return {
    async provision(revisionId) {
      const steps = new Map<string, number>();
      const startedMs = performance.now();
      const onStep =
        (prefix: string) =>
        (step: string): void => {
          const name = `${prefix}${toWords(step)}`;
          if (!steps.has(name)) steps.set(name, performance.now() - startedMs);
        };
      const { cluster, report } = await connectCluster({
        id: mesh.name,
        kubeconfig,
        provider,
        versions,
        deadline: createDeadline(callLimitMs),
        onStep: onStep("connect: "),
      });
      const request: Omit<RevisionRequest, "deadline"> = {
        revision: {
          id: revisionId,
          tenant: "bench",
          controlPlane: mesh.name,
          version,
          replicas: 1,
          tokenLifetimeSeconds: 12 * 3600,
        },
        mesh: cluster,
        istiodCluster,
        provider,
        dns,
        onStep: onStep(""),
      };
      made = request;
      const result = await reconcileUntilReady(request, { timeoutMs: provisionLimitMs });
      const totalMs = performance.now() - startedMs;
      const proofsMs = new Map(result.observed.proofs.map(({ name, latencyMs }) => [name, latencyMs]));
      return { totalMs, steps, proofsMs, kubernetesVersion: report.kubernetesVersion };
    },
    async remove() {
      if (made === undefined) return;
      const { onStep: _onStep, ...request } = made;
      await removeUntilDone({ ...request, giveUpAtMs: Date.now() + removalLimitMs }, { timeoutMs: removalLimitMs });
      const { done, conditions } = await disconnectCluster({
        cluster: request.mesh,
        provider,
        deadline: createDeadline(callLimitMs),
      });
      if (!done) throw new Error(`${mesh.name} is not disconnected: ${conditions[0]?.message ?? ""}`);
      made = undefined;
    },
  };
}
