import { expect, test } from "vitest";
import { readNext } from "./read-next.ts";

test.each([
  "//elsewhere.test",
  "/\\elsewhere.test",
  "/\t/elsewhere.test",
  "/\n/elsewhere.test",
  "\t//elsewhere.test",
  "/.//elsewhere.test",
  "/tenants/..//elsewhere.test",
  "https://elsewhere.test",
  "javascript:alert(1)",
  "elsewhere.test",
  "",
  "//[",
])("%j leads to the start", (next) => {
  expect(readNext(next)).toBe("/");
});

test("ways within the portal stay what they are", () => {
  for (const next of ["/", "/tenants/shop/clusters?q=phase%3Aready&sort=name#top", "/invitations/a_b-c"])
    expect(readNext(next)).toBe(next);
  expect(readNext(["/a", "/b"])).toBe("/");
  expect(readNext(undefined)).toBe("/");
});
