import { expect, test } from "vitest";
import { resolveHostname } from "./resolve-hostname.ts";
import { startDnsServer, type DnsAnswer } from "./testing/test-dns-server.ts";
import { withTimeLimit } from "./time-limit.ts";

const name = "r5.mesh.test";
const never = new AbortController().signal;

test("all addresses come back, from the server that was given", async () => {
  const server = await startDnsServer((asked) => (asked === name ? ["192.0.2.7", "192.0.2.8"] : { code: 3 }));
  const addresses = await resolveHostname(name, [server], never);
  expect(addresses.toSorted()).toEqual(["192.0.2.7", "192.0.2.8"]);
});

test("an address needs no server", async () => {
  expect(await resolveHostname("192.0.2.7", ["127.0.0.1:1"], never)).toEqual(["192.0.2.7"]);
});

test.for<[string, DnsAnswer, string]>([
  ["no such name", { code: 3 }, "NameNotFound"],
  ["a name without addresses", [], "NameNotFound"],
  ["a server that fails", { code: 2 }, "ResolverUnavailable"],
])("%s", async ([, answer, reason]) => {
  const server = await startDnsServer(() => answer);
  await expect(resolveHostname(name, [server], never)).rejects.toMatchObject({ reason });
});

test("a server that nobody runs, or that is no address", async () => {
  await expect(resolveHostname(name, ["127.0.0.1:1"], never)).rejects.toMatchObject({ reason: "ResolverUnavailable" });
  await expect(resolveHostname(name, ["dns.example"], never)).rejects.toMatchObject({ reason: "ResolverUnavailable" });
});

test("a silent server ends with the time limit, or at once when the caller gives up", async () => {
  const server = await startDnsServer(() => "silence");
  const startedMs = performance.now();
  await expect(
    withTimeLimit(100, undefined, (signal) => resolveHostname(name, [server], signal)),
  ).rejects.toMatchObject({ reason: "ResolverUnavailable" });
  await expect(resolveHostname(name, [server], AbortSignal.timeout(50))).rejects.toMatchObject({ reason: "Aborted" });
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});
