import type { Browser, BrowserContext, Page } from "@playwright/test";
import type { PortalPage } from "./pages.ts";
import { signIn } from "./people.ts";
import type { Stage } from "./stage.ts";

/** How a page is looked at. */
export interface Look {
  device: "desktop" | "phone";
  theme: "light" | "dark";
}

export const looks: readonly Look[] = (["desktop", "phone"] as const).flatMap((device) =>
  (["light", "dark"] as const).map((theme): Look => ({ device, theme })),
);

/** Sizes in CSS pixels; the phone is the narrowest that pages are made for. */
const viewports = { desktop: { width: 1_440, height: 900 }, phone: { width: 360, height: 740 } } as const;
const settleMs = 400;

/** A page as it was seen, and what was wrong with it: errors of its console, refused content, foreign origins, and being too wide. */
export interface Visit {
  page: Page;
  faults: string[];
}

type SessionState = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** Visits pages in one browser, with each person signed in once. */
export interface Visitor {
  visit: <Result>(entry: PortalPage, look: Look, see: (visit: Visit) => Promise<Result>) => Promise<Result>;
}

/** @param browser stays the caller's, who closes it */
export async function createVisitor(
  browser: Browser,
  stage: Pick<Stage, "baseUrl" | "tenant" | "emptyTenant" | "invitation" | "member" | "operator">,
): Promise<Visitor> {
  const sessions = new Map<PortalPage["as"], SessionState>();
  for (const as of ["member", "operator"] as const) {
    const context = await browser.newContext();
    await signIn(context, stage.baseUrl, stage[as]);
    sessions.set(as, await context.storageState());
    await context.close();
  }
  return {
    async visit(entry, { device, theme }, see) {
      const session = sessions.get(entry.as);
      const context = await browser.newContext({
        viewport: viewports[device],
        colorScheme: theme,
        // What moves would never be still for a picture.
        reducedMotion: "reduce",
        ...(session === undefined ? {} : { storageState: session }),
      });
      try {
        await tellRefusals(context);
        const page = await context.newPage();
        const faults = watchFaults(page, stage.baseUrl);
        const response = await page.goto(stage.baseUrl + entry.path(stage));
        const isExpected = entry.name === "not-found" ? response?.status() === 404 : response?.ok() === true;
        if (!isExpected) faults.push(`${entry.name} is answered with ${response?.status()}`);
        await settle(page);
        await entry.prepare?.(page);
        await page.waitForTimeout(settleMs);
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (tooWide > 0) faults.push(`${entry.name} is ${tooWide} px too wide`);
        return await see({ page, faults });
      } finally {
        await context.close();
      }
    },
  };
}

/** Waits until nothing is being read any more, and the stream of events is open where there is one. */
async function settle(page: Page): Promise<void> {
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(
    () =>
      document.querySelector("[data-reading], [data-live=connecting]") === null && document.fonts.status === "loaded",
  );
}

/** Has pages of a context say in their consoles what their policy refuses: browsers keep to themselves what a script has caught. */
export async function tellRefusals(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      // oxlint-disable-next-line no-console -- it runs in the page, whose console is watched
      console.error(`refused by ${violatedDirective}: ${blockedURI}`),
    );
  });
}

/** Collects what a page must not do. The list grows while the page is open. */
export function watchFaults(page: Page, baseUrl: string): string[] {
  const faults: string[] = [];
  page.on("console", (message) => {
    // The one page whose own answer is an error.
    if (message.type() === "error" && !message.text().includes("404 (Not Found)"))
      faults.push(`console: ${message.text()}`);
    if (message.type() === "warning") faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && protocol !== "blob:" && origin !== baseUrl) faults.push(`asks ${origin}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400 && response.request().resourceType() !== "document")
      faults.push(`${response.url()} is answered with ${response.status()}`);
  });
  return faults;
}
