import { expect, test } from "vitest";
import { compareVersions } from "./compare-versions.ts";

test("versions are ordered by age", () => {
  const ordered = [
    "1.9.9",
    "1.32-dev",
    "1.32",
    "1.32.0-alpha.1",
    "1.32.0-rc.2",
    "1.32.0-rc.10",
    "1.32.0",
    "1.32.2",
    "1.32.10",
    "1.100.0",
  ];
  expect(ordered.toReversed().toSorted(compareVersions)).toEqual(ordered);
  for (const version of ordered) expect(compareVersions(version, version)).toBe(0);
});
