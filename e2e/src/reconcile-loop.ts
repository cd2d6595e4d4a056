import { setTimeout as sleep } from "node:timers/promises";
import {
  createDeadline,
  reconcileRevision,
  removeRevision,
  type RemovalRequest,
  type RemovalResult,
  type RevisionRequest,
  type RevisionResult,
} from "@pilothouse/provisioner";

/** Time one call may take unless told otherwise; the loop calls again. In milliseconds. */
const defaultCallLimitMs = 60_000;

/** Reconciles as a worker would, looking again whenever the answer says so, until the revision is Ready. */
export async function reconcileUntilReady(
  request: Omit<RevisionRequest, "deadline">,
  options: { timeoutMs: number; callLimitMs?: number; onLook?: (result: RevisionResult) => void },
): Promise<RevisionResult> {
  const endMs = performance.now() + options.timeoutMs;
  for (;;) {
    const result = await reconcileRevision({
      ...request,
      deadline: createDeadline(options.callLimitMs ?? defaultCallLimitMs),
    });
    options.onLook?.(result);
    const ready = result.conditions.find((condition) => condition.type === "Ready");
    if (ready?.status === "True") return result;
    if (performance.now() + result.requeueAfterMs > endMs) {
      throw new Error(
        `revision ${request.revision.id} is not Ready after ${options.timeoutMs / 1000} s: ${ready?.reason ?? ""}: ${ready?.message ?? ""}`,
      );
    }
    await sleep(result.requeueAfterMs);
  }
}

/** Removes as a worker would, until the removal is done. */
export async function removeUntilDone(
  request: Omit<RemovalRequest, "deadline">,
  options: { timeoutMs: number },
): Promise<RemovalResult> {
  const endMs = performance.now() + options.timeoutMs;
  for (;;) {
    const result = await removeRevision({ ...request, deadline: createDeadline(defaultCallLimitMs) });
    if (result.done) return result;
    const waitMs = result.requeueAfterMs ?? 1_000;
    if (performance.now() + waitMs > endMs) {
      throw new Error(
        `revision ${request.revision.id} is not removed after ${options.timeoutMs / 1000} s: ${result.conditions[0]?.message ?? ""}`,
      );
    }
    await sleep(waitMs);
  }
}
