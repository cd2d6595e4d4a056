/**
 * Waits for `work` until a signal is aborted: for what has a time limit of its own but takes no signal. What is waited for goes on.
 * @param describe what to fail with when the signal comes first; called then
 */
export async function untilAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  describe: () => Error,
): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(describe());
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
