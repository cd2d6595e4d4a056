import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkConfiguration, listVariables } from "./check-configuration.ts";

let root = "";

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "check-configuration-"));
  write("apps/one/src/cli.ts", 'const home = environment["BY_NAME"]; const path = environment["PATH"];');
  write("apps/one/src/cli.test.ts", 'process.env["OF_A_TEST"];');
  write("packages/two/src/config.ts", "const schema = z.object({\n  BY_SCHEMA: z.string(),\n  COUNTED: count(3),\n});");
  write("scripts/node.mjs", "const { TAKEN_APART: own, ALSO } = process.env;\nprocess.env.DOTTED;");
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

test("variables are found in every way in which they are read", () => {
  expect(listVariables(root)).toEqual(["ALSO", "BY_NAME", "BY_SCHEMA", "COUNTED", "DOTTED", "TAKEN_APART"]);
});

test("what the table lacks, has too much or twice is told", () => {
  const rows = (...names: string[]): string => names.map((name) => `| \`${name}\` | x |\n`).join("");
  write(
    "README.md",
    `# A\n\n\`OTHER\`\n\n## Configuration\n\n${rows(...listVariables(root))}\n## More\n\n${rows("LATER")}`,
  );
  expect(checkConfiguration(root)).toEqual([]);
  write(
    "README.md",
    `## Configuration\n\n${rows("ALSO", "ALSO", "BY_NAME", "BY_SCHEMA", "COUNTED", "DOTTED", "GONE")}`,
  );
  expect(checkConfiguration(root)).toEqual([
    expect.stringContaining("TAKEN_APART is read by a program"),
    expect.stringContaining("GONE is in the table"),
    expect.stringContaining("ALSO is there twice"),
  ]);
});
