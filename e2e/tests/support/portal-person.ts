import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "@playwright/test";
import type { Person } from "../../src/portal/people.ts";
import { tellRefusals, watchFaults } from "../../src/portal/visit-page.ts";

/** How long a person waits for what should be there at once, in milliseconds. */
const patienceMs = 40_000;

/** Somebody at a browser of their own, who goes on with one page from beginning to end. */
export interface PortalPerson {
  name: string;
  context: BrowserContext;
  page: Page;
  /** What the pages did that they must not. The list grows while the browser is open. */
  faults: string[];
  /**
   * Does the next thing on the page, and leaves a picture of what it came to.
   * @throws Error that says what the page showed instead, and where a picture of it is
   */
  step: <Result>(what: string, act: (page: Page) => Promise<Result>) => Promise<Result>;
}

export interface PeopleOptions {
  browser: Browser;
  baseUrl: string;
  /** Folder of the pictures. */
  pictures: string;
}

/** Seats people at browsers. Once a step of one has failed, nobody goes on: what comes later builds on it. */
export function createPortalPeople({ browser, baseUrl, pictures }: PeopleOptions) {
  let failed: string | undefined;
  let taken = 0;
  return {
    /** The step that failed; undefined while all is well. */
    findFailed: (): string | undefined => failed,
    async seat(name: string): Promise<PortalPerson> {
      await mkdir(pictures, { recursive: true });
      const context = await browser.newContext({ viewport: { width: 1_440, height: 900 } });
      context.setDefaultTimeout(patienceMs);
      await tellRefusals(context);
      const page = await context.newPage();
      const faults = watchFaults(page, baseUrl);
      return {
        name,
        context,
        page,
        faults,
        async step(what, act) {
          if (failed !== undefined) throw new Error(`${name} ${what}: not tried, as an earlier step failed: ${failed}`);
          taken += 1;
          const picture = join(pictures, `${String(taken).padStart(2, "0")}-${toFileName(`${name} ${what}`)}.png`);
          try {
            const result = await act(page);
            await page.screenshot({ path: picture, fullPage: true });
            return result;
          } catch (cause) {
            failed = `${name} ${what}`;
            throw new Error(await describeFailure(failed, page, { cause, picture, faults }), { cause });
          }
        },
      };
    },
  };
}

const toFileName = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");

async function describeFailure(
  what: string,
  page: Page,
  { cause, picture, faults }: { cause: unknown; picture: string; faults: readonly string[] },
): Promise<string> {
  const shown = await page
    .locator("body")
    .ariaSnapshot()
    .catch((error: unknown) => `nothing that could be read: ${String(error)}`);
  await page.screenshot({ path: picture, fullPage: true }).catch(() => undefined);
  return [
    `${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
    `${page.url()} showed:\n${shown}`,
    `Faults so far: ${faults.length === 0 ? "none" : faults.join("; ")}`,
    `A picture of it: ${picture}`,
  ].join("\n\n");
}

/** Signs in on the page, and stays there. */
export async function enterPortal(page: Page, baseUrl: string, { email, password }: Person): Promise<void> {
  await page.goto(baseUrl);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("status").filter({ hasText: "Live" }).waitFor();
}

/** Goes to a page by the navigation at the side. */
export async function goTo(page: Page, label: string): Promise<void> {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: label, exact: true }).click();
  await page.getByRole("heading", { level: 1, name: label, exact: true }).waitFor();
}

/** Waits until a list of steps shows all as done, or has gone. */
export async function waitForSteps(page: Page, label: string, limitMs: number): Promise<void> {
  const list = page.getByRole("list", { name: label });
  const endMs = performance.now() + limitMs;
  for (;;) {
    const steps = await list.getByRole("listitem").allTextContents();
    if (steps.every((step) => step.includes("(done)"))) return;
    if (steps.some((step) => step.includes("(failed)"))) throw new Error(`a step failed: ${steps.join("; ")}`);
    if (performance.now() > endMs) throw new Error(`not done after ${limitMs / 1_000} s: ${steps.join("; ")}`);
    await page.waitForTimeout(100);
  }
}
