import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { chooseProcessors } from "./choose-processors.ts";
import { runProgram } from "./run-program.ts";

const choose = (list: string): string => chooseProcessors(`Name:\tnode\nCpus_allowed_list:\t${list}\n`).join(" ");

test("half of the processors that may be used, the lower one left free", () => {
  expect(choose("0-1")).toBe("taskset --cpu-list 1");
  expect(choose("0-2")).toBe("taskset --cpu-list 2");
  expect(choose("0-3,8,10-12")).toBe("taskset --cpu-list 8,10,11,12");
  expect(choose("5")).toBe("");
  expect(chooseProcessors("")).toEqual([]);
});

test("a program that is started so has them, and its lines are told one by one", async () => {
  const [file, ...prefix] = [...chooseProcessors(readFileSync("/proc/self/status", "utf8")), process.execPath];
  const lines: string[] = [];
  const script = "console.log(`${os.availableParallelism()}\\nand more`)";
  const { code } = await runProgram(file, [...prefix, "--eval", script], {
    cwd: import.meta.dirname,
    env: process.env,
    capture: true,
    onLine: (line) => lines.push(line),
  });
  const count = availableParallelism();
  expect([code, lines]).toEqual([0, [String(count === 1 ? 1 : Math.floor(count / 2)), "and more"]]);
});
