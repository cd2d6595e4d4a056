/** Called by Next once per server process, before it takes requests. */
export async function register(): Promise<void> {
  // Next builds this file for its edge runtime, too, which has none of what the service needs; nothing of ours runs there.
  if (process.env["NEXT_RUNTIME"] !== "nodejs") return;
  const { guardRequests } = await import("#server/guard-requests.ts");
  const { watchSignals } = await import("#server/shutdown.ts");
  guardRequests();
  watchSignals();
}
