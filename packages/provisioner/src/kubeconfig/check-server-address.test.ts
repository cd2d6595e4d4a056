import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { createServerAddressCheck } from "./check-server-address.ts";

function check(host: string, allowedApiServerRanges: string[] = [], resolvers?: string[]) {
  return createServerAddressCheck({ allowedApiServerRanges, ...(resolvers === undefined ? {} : { resolvers }) })(host);
}

test.for([
  ["127.0.0.1", "loopback"],
  ["127.255.0.1", "loopback"],
  ["localhost", "loopback"],
  ["api.LOCALHOST.", "loopback"],
  ["::1", "loopback"],
  ["[::1]", "loopback"],
  ["0.0.0.0", "unspecified"],
  ["0.1.2.3", "unspecified"],
  ["::", "unspecified"],
  ["10.1.2.3", "private"],
  ["172.16.0.1", "private"],
  ["192.168.1.1", "private"],
  ["fd12:3456::1", "private"],
  ["100.64.0.1", "carrier-grade NAT"],
  ["169.254.1.1", "link-local"],
  ["fe80::1", "link-local"],
  ["224.0.0.1", "multicast"],
  ["ff02::1", "multicast"],
  ["255.255.255.255", "broadcast"],
  ["240.0.0.1", "reserved"],
  ["192.0.2.1", "reserved"],
  ["2001:db8::1", "reserved"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:a00:1", "private"],
  ["::a00:1", "reserved"],
  ["64:ff9b::10.0.0.1", "private"],
  ["64:ff9b:1::808:808", "rfc6052"],
  ["2002:a00:1::", "6to4"],
  ["2001::1", "teredo"],
  ["169.254.169.254", "metadata"],
  ["fd00:ec2::254", "metadata"],
  ["100.100.100.200", "metadata"],
  ["168.63.129.16", "metadata"],
  ["192.0.0.192", "metadata"],
  ["::ffff:169.254.169.254", "metadata"],
] as const)("%s is refused as %s", async ([host, kind]) => {
  await expect(check(host)).rejects.toMatchObject({ kind: "user", code: "AddressNotAllowed" });
  await expect(check(host)).rejects.toThrow(kind);
});

test.for(["8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"])("%s is public", async (host) => {
  expect(await check(host)).toHaveLength(1);
});

test("a range allows what lies in it, and metadata addresses only by themselves", async () => {
  expect(await check("10.1.2.3", ["192.168.0.0/16", "10.0.0.0/8"])).toEqual([{ address: "10.1.2.3", family: 4 }]);
  expect(await check("::ffff:10.1.2.3", ["10.0.0.0/8"])).toHaveLength(1);
  expect(await check("fd00::1", ["fd00::/8"])).toEqual([{ address: "fd00::1", family: 6 }]);
  await expect(check("10.1.2.3", ["10.2.0.0/16"])).rejects.toThrow("private");
  await expect(check("10.1.2.3", ["::/0"])).rejects.toThrow("private");
  await expect(check("169.254.169.254", ["169.254.0.0/16"])).rejects.toThrow("metadata");
  expect(await check("169.254.169.254", ["169.254.169.254/32"])).toHaveLength(1);
});

test.for(["10.0.0.0", "10.0.0.0/40", "private"])("%s is no range", (range) => {
  expect(() => createServerAddressCheck({ allowedApiServerRanges: [range] })).toThrow(range);
});

/** A DNS server that answers every question for an IPv4 address with the next of its addresses, and has no IPv6 ones. */
async function startResolver(answers: string[][]): Promise<{ address: string; countQuestions: () => number }> {
  const socket = createSocket("udp4");
  let questions = 0;
  socket.on("message", (query, peer) => {
    const endOfName = query.indexOf(0, 12) + 1;
    const isIPv4 = query.readUInt16BE(endOfName) === 1;
    const addresses = isIPv4 ? (answers[questions++] ?? []) : [];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x81_80, 2);
    header.writeUInt16BE(addresses.length, 6);
    header.writeUInt32BE(0, 8);
    const records = addresses.map((address) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)]),
    );
    socket.send(Buffer.concat([header, query.subarray(12, endOfName + 4), ...records]), peer.port, peer.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, countQuestions: () => questions };
}

test("names are resolved by the provider's resolvers, and one address that isn't allowed is enough to refuse", async () => {
  const resolver = await startResolver([["8.8.8.8"], ["8.8.8.8", "10.0.0.1"], []]);
  expect(await check("api.example.test", [], [resolver.address])).toEqual([{ address: "8.8.8.8", family: 4 }]);
  await expect(check("api.example.test", [], [resolver.address])).rejects.toThrow(
    "api.example.test resolves to 10.0.0.1",
  );
  await expect(check("api.example.test", [], [resolver.address])).rejects.toMatchObject({
    kind: "transient",
    code: "NameNotResolved",
  });
  expect(resolver.countQuestions()).toBe(3);
});

test("a resolver that doesn't answer is given up when the signal aborts", async () => {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  const checkAddress = createServerAddressCheck({
    allowedApiServerRanges: [],
    resolvers: [`127.0.0.1:${socket.address().port}`],
  });
  const startedMs = performance.now();
  await expect(checkAddress("api.example.test", AbortSignal.timeout(100))).rejects.toMatchObject({
    code: "NameNotResolved",
  });
  expect(performance.now() - startedMs).toBeLessThan(1_500);
});
