import { expect } from "vitest";

/** Matches a string with these words in it. */
export function saying(words: string): unknown {
  return expect.stringContaining(words);
}
