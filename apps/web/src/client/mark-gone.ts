import type { QueryClient } from "@tanstack/react-query";

/** What was read has been deleted since. */
export class GoneError extends Error {
  override readonly name = "GoneError";
}

/** Says of something that is shown that it is gone, without asking for it once more. What was read of it last stays to be seen. */
export async function markGone(queries: QueryClient, queryKey: readonly unknown[]): Promise<void> {
  // An answer that is still on its way was given while it was there.
  await queries.cancelQueries({ queryKey, exact: true });
  const query = queries.getQueryCache().find({ queryKey, exact: true });
  query?.setState({ status: "error", error: new GoneError("It was deleted."), fetchStatus: "idle" });
}
