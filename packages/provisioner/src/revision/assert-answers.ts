import { setTimeout as sleep } from "node:timers/promises";
import { ProvisionerError } from "../errors.ts";
import type { KubeClient } from "../kube/types.ts";

/** An API server answers within some tens of milliseconds, a busy one within a second. */
const answerLimitMs = 2_000;

/**
 * Asks an API server for one object that it has to read from its storage. For calls to a cluster that has had its time: one that takes calls and
 * never answers would take the full time limit of a call at each look.
 *
 * @throws ProvisionerError CallTimeout (transient) when there is no answer within 2 s; any answer is one, also a refusal
 */
export async function assertAnswers(client: KubeClient, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const answer = client.get({ apiVersion: "v1", kind: "Namespace", name: "default" }).then(
    () => true,
    () => true,
  );
  const silence = sleep(answerLimitMs, false, { signal: AbortSignal.any([ended.signal, signal]) }).catch(() => true);
  try {
    if (await Promise.race([answer, silence])) return;
  } finally {
    ended.abort();
  }
  throw new ProvisionerError(
    "transient",
    "CallTimeout",
    `${client.server} did not answer within ${answerLimitMs} ms. Check that the server runs and that a firewall lets this through.`,
  );
}
