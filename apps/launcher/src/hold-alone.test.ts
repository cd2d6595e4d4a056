import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { holdAlone } from "./hold-alone.ts";

const program = `
  const { holdAlone } = await import(process.argv[1]);
  const isAlone = await holdAlone("keeper", process.argv[2]);
  console.log(isAlone ? "alone" : "taken");
  if (isAlone) setInterval(() => undefined, 1_000);
`;

test("one process at a time has a role, and a killed one leaves nothing behind", async () => {
  const mark = randomUUID();
  const start = async () => {
    const file = join(import.meta.dirname, "hold-alone.ts");
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program, file, mark], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said: unknown[] = await once(child.stdout, "data");
    return { child, said: String(said[0]).trim() };
  };
  const first = await start();
  expect(first.said).toBe("alone");
  expect((await start()).said).toBe("taken");
  expect(await holdAlone("keeper", mark)).toBe(false);
  // Another role, and another installation, are others.
  expect(await holdAlone("change", mark)).toBe(true);
  expect(await holdAlone("keeper", randomUUID())).toBe(true);
  const waiting = holdAlone("keeper", mark, 5_000);
  first.child.kill("SIGKILL");
  expect(await waiting).toBe(true);
});
