import { setTimeout as sleep } from "node:timers/promises";
import { testFleet } from "./test-fleet.ts";
import { waitFor } from "./wait-for.ts";

/** How long an API server is away, in milliseconds: first it takes calls and answers none, then nobody listens. */
export interface Outage {
  hangingMs: number;
  refusingMs: number;
}

/** An API server of the fleet that can be taken away. */
export interface ApiServer {
  /**
   * Takes it away at once while `meanwhile` goes on, and brings it back when the time is over, whatever becomes of that.
   * @returns when it was started again, in milliseconds since 1970, and what `meanwhile` answered
   */
  takeAway: <Result>(outage: Outage, meanwhile: () => Promise<Result>) => Promise<{ backAtMs: number; result: Result }>;
}

/** Finds a cluster's API server, so that it can be taken away without delay. */
export async function findApiServer(cluster: string): Promise<ApiServer> {
  const part = `${cluster}/kube-apiserver`;
  const pid = (await testFleet.readStatus()).parts.find((one) => one.name === part)?.pid ?? 0;
  if (pid === 0) throw new Error(`${part} does not run`);
  const isReady = async (): Promise<boolean> =>
    (await testFleet.readStatus()).clusters.some((one) => one.name === cluster && one.ready);
  return {
    async takeAway({ hangingMs, refusingMs }, meanwhile) {
      process.kill(pid, "SIGSTOP");
      const outage = (async () => {
        try {
          await sleep(hangingMs);
          await testFleet.run(["kill", part], { quiet: true });
          await sleep(refusingMs);
          // After minutes in vain these wait up to a minute between two tries. Begun anew by `up` they look at once.
          for (const waiting of ["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"])
            await testFleet.run(["kill", `${cluster}/${waiting}`], { quiet: true });
        } finally {
          await testFleet.run(["start", part], { quiet: true });
        }
        const backAtMs = Date.now();
        await testFleet.run(["up"], { quiet: true });
        await waitFor(`${cluster} to be ready`, isReady, 60_000);
        return backAtMs;
      })();
      // A failure of either is told when both have ended.
      const [back, result] = await Promise.allSettled([outage, meanwhile()]);
      if (back.status === "rejected") throw back.reason;
      if (result.status === "rejected") throw result.reason;
      return { backAtMs: back.value, result: result.value };
    },
  };
}
