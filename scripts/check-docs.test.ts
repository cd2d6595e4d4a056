import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkDocs } from "./check-docs.ts";

let root = "";

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "check-docs-"));
  mkdirSync(join(root, "packages", "fleet"), { recursive: true });
  mkdirSync(join(root, "docs", "screenshots"), { recursive: true });
  writeFileSync(join(root, "package.json"), JSON.stringify({ scripts: { verify: "true" } }));
  writeFileSync(join(root, "packages", "fleet", "cli.ts"), "");
  writeFileSync(join(root, "docs", "other.md"), "# Other\n\n## What it's for, and `why`\n\n```\n# no heading\n```\n");
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

function checkText(text: string): string[] {
  writeFileSync(join(root, "docs", "page.md"), text);
  return checkDocs(root);
}

test.each([
  ["[a](missing.md)", "docs/missing.md does not exist"],
  ["[a](../../outside.md)", "leaves the repository"],
  ["[a](other.md#nothing)", "no such heading"],
  ["[a](other.md#no-heading)", "no such heading"],
  ["[a](#here)", "no such heading"],
  ["[a]: missing.md", "docs/missing.md does not exist"],
  ["`packages/fleet/gone.ts`", "`packages/fleet/gone.ts` does not exist"],
  ["`scripts/gone.ts`", "`scripts/gone.ts` does not exist"],
  ["`packages/*/gone.ts`", "does not exist"],
  ['<img src="missing.png">', "docs/missing.png does not exist"],
  ['<source srcset="screenshots/missing.png">', "docs/screenshots/missing.png does not exist"],
  ["`npm run gone`", "no such script"],
  ["```sh\nnpm run gone -- up\n```", "no such script"],
])("%j is reported", (text, problem) => {
  expect(checkText(text)).toEqual([expect.stringMatching(/^docs\/page\.md:\d+: /)]);
  expect(checkText(text)[0]).toContain(problem);
});

test.each([
  "[a](other.md) [b](<../packages/fleet/cli.ts>) [c](other.md#what-its-for-and-why) [d](https://example.org/x)",
  "# Here\n[a](#here)",
  "`packages/fleet/cli.ts` `packages/fleet/` `packages/*/cli.ts`",
  "`apps/v1` `istio.io/rev` `app/name` `<packages/x>` `a/b c`",
  "`npm run verify`, `npm test`",
  "```\n`packages/gone.ts` [a](gone.md)\n```",
])("%j is fine", (text) => {
  expect(checkText(text)).toEqual([]);
});

test("a folder without documents is reported", () => {
  const empty = mkdtempSync(join(tmpdir(), "check-docs-"));
  writeFileSync(join(empty, "package.json"), "{}");
  expect(checkDocs(empty)).toEqual([expect.stringContaining("no Markdown file")]);
  rmSync(empty, { recursive: true });
});

test("where pictures were never made, none is missing; where some were, each that is shown has to be there", () => {
  rmSync(join(root, "docs", "screenshots"), { recursive: true });
  expect(checkText('<img src="screenshots/missing.png">')).toEqual([]);
  mkdirSync(join(root, "docs", "screenshots"));
  expect(checkText('<img src="screenshots/missing.png">')).toEqual([expect.stringContaining("does not exist")]);
});

test("commands of the README say whether they are run, or why not", () => {
  const marks = "<!-- run: a -->\n\n```sh\ntrue\n```\n\n<!-- not run: it is slow -->\n```sh\ntrue\n```\n";
  writeFileSync(join(root, "README.md"), `${marks}\nText\n\n\`\`\`sh\nfalse\n\`\`\`\n`);
  expect(checkText("```sh\ntrue\n```")).toEqual([expect.stringMatching(/^README\.md:15: .*whether a test runs/)]);
  rmSync(join(root, "README.md"));
});
