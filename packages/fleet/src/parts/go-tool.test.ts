import { expect, test } from "vitest";
import { isGoRecent } from "./go-tool.ts";

test.each([
  ["go1.26.0", true],
  ["go1.26.8", true],
  ["go1.27", true],
  ["go1.27rc1", true],
  ["go1.100.1", true],
  ["go2.0.0", true],
  ["go1.26", true],
  ["go1.26rc2", false],
  ["go1.25.9", false],
  ["go1.3.30", false],
  ["devel go1.28-abcdef", false],
  ["", false],
])("%s will do for 1.26.0: %s", (version, expected) => {
  expect(isGoRecent(version, "1.26.0")).toBe(expected);
});
