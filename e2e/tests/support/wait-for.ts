import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `check` answers true, outside of tests as well. Fails after `timeoutMs`, naming what was waited for. */
export async function waitFor(what: string, check: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > endMs) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await sleep(250);
  }
}
