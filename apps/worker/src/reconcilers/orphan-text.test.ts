import { expect, test } from "vitest";
import { describeOrphans, readOrphans } from "./orphan-text.ts";

test("what is told of orphans can be read again, each with its own time", () => {
  const orphans = [
    { id: "a-1-32-abcde", sinceMs: 1_790_000_000_123 },
    { id: "cp-1-22-zyxwv", sinceMs: 1_790_000_600_000 },
  ];
  expect(readOrphans(describeOrphans(orphans, "remove"))).toEqual(orphans);
  expect(readOrphans(describeOrphans(orphans, "report"))).toEqual(orphans);
});

test.for(["Webhooks of a-1-32-abcde are in the cluster.", "a (since 2026-99-99T00:00:00.000Z)", ""])(
  "a text without times tells of none: %s",
  (text) => expect(readOrphans(text)).toEqual([]),
);
