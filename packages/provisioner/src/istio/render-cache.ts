import { createHash } from "node:crypto";

/**
 * Remembers the newest results of a function whose result depends on its key alone. Reconciling looks again several times while
 * istiod starts; rendering each time would be most of its cost. Failures are not remembered.
 * @param most how many results are kept
 */
export function createRenderCache<Result>(
  most: number,
): (key: unknown, render: () => Promise<Result>) => Promise<Result> {
  const kept = new Map<string, Promise<Result>>();
  return (key, render) => {
    const id = createHash("sha256").update(JSON.stringify(key)).digest("hex");
    const found = kept.get(id);
    kept.delete(id);
    const result = found ?? render();
    kept.set(id, result);
    result.catch(() => {
      if (kept.get(id) === result) kept.delete(id);
    });
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
    return result;
  };
}
