import { readFile } from "node:fs/promises";
import { type Setup, setupSchema } from "@pilothouse/contract";
import { log } from "./log.ts";

/** Whoever brings an installation up says so every few seconds; after this time without a word it is gone, in milliseconds. */
const silenceMs = 20_000;

const none: Setup = { state: "none", message: null, steps: [], startedAt: null, updatedAt: null };

/**
 * How far `npm run up` is, by the file in which it says so.
 * @param file undefined where the service was started in another way
 */
export async function readSetup(file: string | undefined, now: Date): Promise<Setup> {
  if (file === undefined) return none;
  let setup: Setup;
  try {
    setup = setupSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    log("warn", "the progress of `npm run up` can't be read", { file, reason: String(error) });
    return none;
  }
  const isSilent = setup.updatedAt === null || now.getTime() - Date.parse(setup.updatedAt) > silenceMs;
  if (setup.state !== "running" || !isSilent) return setup;
  return { ...setup, state: "interrupted", message: "Whoever brought this up went away. Go on: npm run up" };
}
