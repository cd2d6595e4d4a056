import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Browser, type BrowserContext, chromium } from "@playwright/test";

/** Names under which distributions install a Chromium. */
const commands = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"] as const;

/**
 * Finds a Chromium: the one that PILOTHOUSE_CHROMIUM names, the one that Playwright has downloaded, or one of this system.
 * @param environment of the program, for PILOTHOUSE_CHROMIUM and PATH
 * @throws Error that says how to get one
 */
export function findBrowser(environment: NodeJS.ProcessEnv): string {
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
    "There is no Chromium. Install one with `apt-get install chromium` or `npx playwright install --with-deps chromium`, or name yours in PILOTHOUSE_CHROMIUM.",
  );
}

function describeLaunch(environment: NodeJS.ProcessEnv): { executablePath: string; chromiumSandbox: boolean } {
  // Its sandbox can't be had as root; what it shows is ours alone.
  const isRoot = process.getuid?.() === 0;
  return { executablePath: findBrowser(environment), chromiumSandbox: !isRoot };
}

/** Starts a Chromium without a window. */
export function openBrowser(environment: NodeJS.ProcessEnv): Promise<Browser> {
  return chromium.launch(describeLaunch(environment));
}

/** A Chromium that other programs can steer, too. */
export interface SharedBrowser {
  /** Whoever signs in here is signed in for the other programs. */
  context: BrowserContext;
  /** Where it is steered, on this machine alone. */
  port: number;
}

/** Starts a Chromium without a window that other programs steer beside this one. @param folder an empty one, for its profile */
export async function openSharedBrowser(environment: NodeJS.ProcessEnv, folder: string): Promise<SharedBrowser> {
  const args = ["--remote-debugging-port=0"];
  const context = await chromium.launchPersistentContext(folder, { ...describeLaunch(environment), args });
  // The browser writes down which port it was given.
  const [port = ""] = (await readFile(join(folder, "DevToolsActivePort"), "utf8")).split("\n");
  return { context, port: Number(port) };
}
