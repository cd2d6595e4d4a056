import { testFleet } from "./test-fleet.ts";

/** Before the rules that every network namespace has. */
const priority = "100";

/**
 * Takes from the programs of the fleet's backbone, API servers among them, the way to an address and port: a connection fails at
 * once as unreachable. Who comes from elsewhere, such as this process, still gets through.
 *
 * @returns gives the way back; call it in any case
 */
export async function blockWayTo(address: string, port: number): Promise<() => Promise<void>> {
  const words = ["iif", "lo", "to", `${address}/32`, "ipproto", "tcp", "dport", String(port), "unreachable"];
  const change = async (verb: "add" | "delete"): Promise<void> =>
    void (await testFleet.run(["exec", "--", "ip", "rule", verb, "priority", priority, ...words], { quiet: true }));
  // A run that was killed may have left it.
  await change("delete").catch(() => undefined);
  await change("add");
  return () => change("delete");
}
