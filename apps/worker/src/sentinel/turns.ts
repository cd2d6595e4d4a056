/** Runs something when its turn has come. */
export type TakeTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * Lets at most `places` things begin at a time; the others wait in their order. A place is given on when its work ends, or after `holdMs` milliseconds:
 * what takes longer waits for an answer and no longer costs this process anything. So those that wait for what is dead hold nobody else up.
 */
export function createTurns(places: number, holdMs: number): TakeTurn {
  const waiting: (() => void)[] = [];
  let free = places;
  const giveOn = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    let isHeld = true;
    const end = (): void => {
      if (isHeld) giveOn();
      isHeld = false;
    };
    const timer = setTimeout(end, holdMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      end();
    }
  };
}
