import { expect, test } from "vitest";
import { mergeSeen } from "./find-api-server.ts";

const at = (minute: number): string => new Date(minute * 60_000).toISOString();
const merge = (before: Record<string, string>, addresses: string[], minute: number): Record<string, string> =>
  mergeSeen(before, addresses, minute * 60_000);

test("an address that a name no longer leads to stays for an hour", () => {
  const first = merge({}, ["192.0.2.1"], 0);
  expect(first).toEqual({ "192.0.2.1": at(0) });
  const second = merge(first, ["192.0.2.2"], 59);
  expect(second).toEqual({ "192.0.2.1": at(0), "192.0.2.2": at(59) });
  expect(merge(second, ["192.0.2.2"], 60)).toEqual({ "192.0.2.2": at(59) });
});

test("nothing is written anew while what is written is recent", () => {
  const first = merge({}, ["192.0.2.1"], 0);
  expect(merge(first, ["192.0.2.1"], 29)).toEqual(first);
  expect(merge(first, ["192.0.2.1"], 30)).toEqual({ "192.0.2.1": at(30) });
});
