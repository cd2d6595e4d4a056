import { setTimeout as sleep } from "node:timers/promises";
import { testFleet } from "./test-fleet.ts";
import { waitFor } from "./wait-for.ts";

/** How long an API server is away, in milliseconds: first it takes calls and answers none, then nobody listens. */
export interface Outage {
  hangingMs: number;
  refusingMs: number;
}

/**
 * Takes away a cluster's API server for so long while `meanwhile` goes on, and brings it back whatever becomes of that. `meanwhile` is told by a
 * signal when the time is over; the API server comes back then, also when `meanwhile` takes longer.
 * @returns when the API server was started again, in milliseconds since 1970, and what `meanwhile` answered
 */
export async function withoutApiServer<Result>(
  cluster: string,
  { hangingMs, refusingMs }: Outage,
  meanwhile: (isOver: AbortSignal) => Promise<Result>,
): Promise<{ backAtMs: number; result: Result }> {
  const part = `${cluster}/kube-apiserver`;
  const isReady = async (): Promise<boolean> =>
    (await testFleet.readStatus()).clusters.some((one) => one.name === cluster && one.ready);
  const pid = (await testFleet.readStatus()).parts.find((one) => one.name === part)?.pid ?? 0;
  if (pid === 0) throw new Error(`${part} does not run`);
  const over = new AbortController();
  process.kill(pid, "SIGSTOP");
  const outage = (async () => {
    try {
      await sleep(hangingMs);
      await testFleet.run(["kill", part], { quiet: true });
      await sleep(refusingMs);
    } finally {
      over.abort();
      await testFleet.run(["start", part], { quiet: true });
    }
    const backAtMs = Date.now();
    // Whatever of its cluster has ended meanwhile.
    await testFleet.run(["up"], { quiet: true });
    await waitFor(`${cluster} to be ready`, isReady, 60_000);
    return backAtMs;
  })();
  // A failure of either is told when both have ended.
  const [back, result] = await Promise.allSettled([outage, meanwhile(over.signal)]);
  if (back.status === "rejected") throw back.reason;
  if (result.status === "rejected") throw result.reason;
  return { backAtMs: back.value, result: result.value };
}
