import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "@playwright/test";

/** Names under which distributions install a Chromium. */
const commands = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"] as const;

/**
 * Finds a Chromium: the one that PILOTHOUSE_CHROMIUM names, the one that Playwright has downloaded, or one of this system.
 * @param environment of the program, for PILOTHOUSE_CHROMIUM and PATH
 * @throws Error that says how to get one
 */
function findBrowser(environment: NodeJS.ProcessEnv): string {
  const named = environment["PILOTHOUSE_CHROMIUM"] ?? "";
  if (named !== "") {
    if (existsSync(named)) return named;
    throw new Error(`PILOTHOUSE_CHROMIUM names ${named}, which does not exist.`);
  }
  const folders = (environment["PATH"] ?? "").split(delimiter);
  const known = commands.flatMap((command) => folders.map((folder) => join(folder, command)));
  const found = [chromium.executablePath(), ...known].find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    "There is no Chromium. Install one with `apt-get install chromium` or `npx playwright install chromium`, or name yours in PILOTHOUSE_CHROMIUM.",
  );
}

/** Starts a Chromium without a window. */
export function openBrowser(environment: NodeJS.ProcessEnv): Promise<Browser> {
  // Its sandbox can't be had as root; what it shows is ours alone.
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath: findBrowser(environment), chromiumSandbox: !isRoot });
}
