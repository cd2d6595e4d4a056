/**
 * Starts work on each item, at most `most` at once and in the items' order: for work that waits more than it computes. A failure is
 * that of the item alone, and is seen by who awaits it.
 */
export function overlap<Item, Done>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Done>,
): Map<Item, Promise<Done>> {
  const outcomes = new Map(items.map((item) => [item, Promise.withResolvers<Done>()]));
  const waiting = outcomes.entries();
  const takeNext = async (): Promise<void> => {
    for (const [item, { resolve, reject }] of waiting) await work(item).then(resolve, reject);
  };
  for (let lane = 0; lane < most; lane += 1) void takeNext();
  const promises = new Map([...outcomes].map(([item, { promise }]) => [item, promise]));
  // Who awaits an item may come to it long after it failed.
  void Promise.allSettled(promises.values());
  return promises;
}
