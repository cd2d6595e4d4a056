import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { getPriority } from "node:os";
import { expect, test } from "vitest";
import { runCommand } from "./command.ts";
import type { CommandRequest } from "./command.ts";

const request = (script: string): CommandRequest => ({
  command: ["sh", "-c", script],
  folder: "/",
  environment: { PATH: "/usr/bin:/bin", COLOUR: "red" },
  timeoutMs: 5_000,
  signal: new AbortController().signal,
});

test("a program runs at low priority, in the given environment and folder, and answers its output", async () => {
  const nice = 'cut -d" " -f19 /proc/self/stat';
  // 10 below this process, which may run at low priority itself; 19 is the lowest there is.
  const lower = Math.min(19, getPriority() + 10);
  expect(await runCommand(request(`echo $COLOUR; pwd; ${nice}`))).toBe(`red\n/\n${lower}\n`);
});

test("a failure carries the end of what the program said", async () => {
  const lines: string[] = [];
  const failing = runCommand({
    ...request("echo one >&2; echo two >&2; exit 3"),
    onErrorLine: (line) => lines.push(line),
  });
  await expect(failing).rejects.toMatchObject({ code: "command-failed" });
  await expect(failing).rejects.toThrow(/ended with 3:\none\ntwo$/);
  expect(lines).toEqual(["one", "two"]);
});

test("a program that takes too long is ended with everything it started", async () => {
  let child = 0;
  const slow = runCommand({
    ...request("sleep 61 & echo $! >&2; wait"),
    timeoutMs: 300,
    onErrorLine: (line) => (child = Number(line)),
  });
  await expect(slow).rejects.toThrow(/took longer than/);
  expect(child).toBeGreaterThan(0);
  await expect.poll(() => isRunning(child)).toBe(false);
});

test("a call that is called off ends the program and rejects with the reason", async () => {
  const stop = new AbortController();
  let child = 0;
  const stopped = runCommand({
    ...request("sleep 62 & echo $! >&2; wait"),
    signal: stop.signal,
    onErrorLine: (line) => {
      child = Number(line);
      stop.abort(new Error("enough"));
    },
  });
  await expect(stopped).rejects.toThrow("enough");
  await expect.poll(() => isRunning(child)).toBe(false);
});

test("when this process is killed, what the program had started ends with it", async () => {
  const module = new URL("command.ts", import.meta.url).href;
  const script = `import { runCommand } from ${JSON.stringify(module)};
    await runCommand({
      command: ["sh", "-c", "sleep 47 & echo $! >&2; wait"],
      folder: "/",
      environment: { PATH: "/usr/bin:/bin" },
      timeoutMs: 60_000,
      signal: new AbortController().signal,
      onErrorLine: (line) => console.log(line),
    });`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const grandchild = await new Promise<number>((settle) =>
    parent.stdout.once("data", (words: Buffer) => settle(Number(words.toString()))),
  );
  expect(await isRunning(grandchild)).toBe(true);
  parent.kill("SIGKILL");
  await expect.poll(() => isRunning(grandchild)).toBe(false);
});

test("what a program leaves behind ends with it", async () => {
  const child = Number(await runCommand(request("sleep 63 >/dev/null 2>&1 & echo $!")));
  expect(child).toBeGreaterThan(0);
  await expect.poll(() => isRunning(child)).toBe(false);
});

test("a program that is not there fails and is named", async () => {
  const missing = runCommand({ ...request(""), command: ["no-such-program"] });
  await expect(missing).rejects.toThrow(/no-such-program/);
});

const isRunning = (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, "utf8").then(
    (stat) => !/\) [ZX] /.test(stat),
    () => false,
  );
