import { expect, test } from "vitest";
import { checkLockText } from "./check-lock.ts";

function makeLock(packages: object): string {
  return JSON.stringify({ lockfileVersion: 3, packages });
}

const optionalDependencies = { "@tool/linux-x64": "1.0.0", "@tool/darwin-arm64": "1.0.0" };

test("a lock file with every platform's part and no addresses is fine", () => {
  const text = makeLock({
    "": {},
    "node_modules/ours": { resolved: "packages/ours", link: true },
    "node_modules/tool": { version: "1.0.0", optionalDependencies },
    "node_modules/@tool/linux-x64": { version: "1.0.0" },
    "node_modules/other/node_modules/@tool/darwin-arm64": { version: "1.0.0" },
  });
  expect(checkLockText(text)).toEqual([]);
});

test("a missing platform's part is reported", () => {
  const text = makeLock({
    "node_modules/tool": { version: "1.0.0", optionalDependencies },
    "node_modules/@tool/linux-x64": { version: "1.0.0" },
  });
  expect(checkLockText(text)).toEqual([
    expect.stringContaining("node_modules/tool lacks its optional @tool/darwin-arm64"),
  ]);
});

test("a registry's address is reported", () => {
  const text = makeLock({ "node_modules/tool": { resolved: "https://registry.example/tool-1.0.0.tgz" } });
  expect(checkLockText(text)).toEqual([expect.stringContaining("records where it was downloaded from")]);
});
