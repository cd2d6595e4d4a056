/** Called by Next once per server process, before it takes requests. */
export async function register(): Promise<void> {
  // Next builds this file for its edge runtime, too, which has none of what the service needs; nothing of ours runs there.
  if (process.env["NEXT_RUNTIME"] !== "nodejs") return;
  const { guardConnections } = await import("#server/guard-connections.ts");
  const { guardRequests } = await import("#server/guard-requests.ts");
  const { getService } = await import("#server/service.ts");
  const { watchOpenRequests } = await import("#server/open-requests.ts");
  const { watchSignals } = await import("#server/shutdown.ts");
  guardConnections();
  // At once, so that a wrong environment stops the start.
  const service = getService();
  guardRequests(service.proxies);
  // Where next-auth reads what its own addresses begin with.
  process.env["NEXTAUTH_URL"] = service.origin;
  // `next dev` cuts everything off when it is told to stop, as a developer wants it.
  if (process.env.NODE_ENV === "production") watchSignals(service, watchOpenRequests());
}
