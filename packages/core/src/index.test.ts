import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

test("importing this package leaves a program's signals and its exit code to the program", () => {
  const program = `
    await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    const events = ["SIGTERM", "SIGINT", "SIGHUP", "beforeExit"];
    process.stdout.write(events.filter((event) => process.listenerCount(event) > 0).join());
    process.exitCode = 3;`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 3, stdout: "" });
});
