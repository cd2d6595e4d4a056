import { expect, test } from "vitest";
import { findClient } from "./find-client.ts";

const find = (remoteAddress: string | undefined, forwarded: string | undefined, proxies: number): string =>
  findClient({ headers: { "x-forwarded-for": forwarded }, socket: { remoteAddress } }, proxies);

test.each([
  ["nobody is in front, and what was sent is not believed", "192.0.2.1", "198.51.100.7", 0, "192.0.2.1"],
  ["one proxy adds whom it saw", "10.0.0.1", "1.2.3.4, 198.51.100.7", 1, "198.51.100.7"],
  ["of two proxies the outer one says it", "10.0.0.1", "1.2.3.4, 198.51.100.7, 10.0.0.2", 2, "198.51.100.7"],
  ["the header is missing", "10.0.0.1", undefined, 1, "10.0.0.1"],
  ["there are fewer names than proxies", "10.0.0.1", "198.51.100.7", 3, "198.51.100.7"],
  ["IPv4 over IPv6", "::ffff:192.0.2.1", undefined, 0, "192.0.2.1"],
  ["an IPv6 network", "2001:db8:1:2:3:4:5:6", undefined, 0, "2001:db8:1:2::/64"],
  ["the same, abbreviated", "2001:DB8:1:2::9", undefined, 0, "2001:db8:1:2::/64"],
  ["zeros in it", "2001:db8::9", undefined, 0, "2001:db8:0:0::/64"],
  ["the machine itself", "::1", undefined, 0, "0:0:0:0::/64"],
  ["a connection that is gone", undefined, undefined, 0, ""],
])("%s", (_, remoteAddress, forwarded, proxies, expected) => {
  expect(find(remoteAddress, forwarded, proxies)).toBe(expected);
});

test("what no address is as long as is cut", () => {
  expect(find("10.0.0.1", "x".repeat(999), 1)).toHaveLength(45);
});
