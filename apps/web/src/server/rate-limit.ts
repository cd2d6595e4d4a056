import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

export interface RateLimit {
  /** Counts one request of a key. Returns how many seconds to wait when it has none left in this window, else 0. */
  count: (key: string) => Promise<number>;
}

/** Limits requests per key in this process; several processes allow that many each. */
export function createRateLimit(requests: number, windowSeconds: number): RateLimit {
  const limiter = new RateLimiterMemory({ points: requests, duration: windowSeconds });
  return {
    count: async (key) => {
      try {
        await limiter.consume(key);
        return 0;
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        return Math.max(1, Math.ceil(error.msBeforeNext / 1_000));
      }
    },
  };
}
