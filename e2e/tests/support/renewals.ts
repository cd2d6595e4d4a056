import { readFile, rename, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createDeadline,
  type MeshCluster,
  reconcileRevision,
  renewClusterToken,
  type RenewResult,
  type RevisionRequest,
  type RevisionResult,
} from "@pilothouse/provisioner";
import { describeRevision } from "./mesh.ts";

/** Time one reconcile may take, in milliseconds. */
const callLimitMs = 60_000;

/** One condition of a reconcile, as `status reason`. */
export function readCondition({ conditions }: RevisionResult, type: string): string {
  const { status, reason } = conditions.find((condition) => condition.type === type) ?? {};
  return `${status ?? "no"} ${reason ?? "condition"}`;
}

/**
 * The request for a revision whose token is renewed: as `describeRevision` has it, but the new token lives so long that it isn't due
 * at once too by the clock that made the old one due.
 */
export async function describeRenewal(
  mesh: MeshCluster,
  line: string,
  id: string,
): Promise<Omit<RevisionRequest, "deadline">> {
  const request = await describeRevision(mesh, line, id);
  return { ...request, revision: { ...request.revision, tokenLifetimeSeconds: 12 * 3600 } };
}

/** Reconciles as a worker would, until the revision is Ready and nothing of a renewal is under way. */
export async function reconcileUntilRenewed(
  request: Omit<RevisionRequest, "deadline">,
  options: { timeoutMs: number; onLook?: (result: RevisionResult) => void },
): Promise<RevisionResult> {
  const endMs = performance.now() + options.timeoutMs;
  for (;;) {
    const result = await reconcileRevision({ ...request, deadline: createDeadline(callLimitMs) });
    options.onLook?.(result);
    const [credential, ready] = [readCondition(result, "CredentialValid"), readCondition(result, "Ready")];
    if (credential === "True TokenValid" && ready === "True Proven") return result;
    if (performance.now() + result.requeueAfterMs > endMs) {
      throw new Error(
        `the token of ${request.revision.id} is not renewed after ${options.timeoutMs / 1000} s: ${credential}; Ready: ${ready}`,
      );
    }
    await sleep(result.requeueAfterMs);
  }
}

/** Renews Pilothouse's own token, and stores the connection in a file, whole or not at all. */
export function renewConnection(
  file: string,
  request: Omit<Parameters<typeof renewClusterToken>[0], "saveCluster">,
): Promise<RenewResult> {
  return renewClusterToken({
    ...request,
    saveCluster: async (cluster) => {
      await writeFile(`${file}.tmp`, JSON.stringify(cluster), { mode: 0o600 });
      await rename(`${file}.tmp`, file);
    },
  });
}

/** The connection that was stored last; undefined when none was. */
export async function readStoredConnection(file: string): Promise<MeshCluster | undefined> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- renewConnection alone writes it
    return JSON.parse(await readFile(file, "utf8")) as MeshCluster;
  } catch {
    return undefined;
  }
}
