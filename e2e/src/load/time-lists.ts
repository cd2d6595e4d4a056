import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContext, Page } from "@playwright/test";
import { z } from "zod";
import { summarizeValues, type Summary } from "../bench/statistics.ts";

/** A list of the portal, and how one of its rows is found. */
export interface PortalList {
  name: string;
  as: "member" | "operator";
  path: string;
  /** Its link at the side, and a page without rows from where it is clicked. */
  link: string;
  from: string;
  /** What its rows are called, and how many there are. */
  label: string;
  rows: number;
  /** Typed into the search; fits one row alone, which is among the last to be read. */
  search: string;
}

/** Milliseconds since the navigation began, or since the click. */
export interface ListOpenings {
  list: PortalList;
  /** As somebody who is signed in and comes for the first time: nothing is in the browser's cache. */
  cold: { rows: Summary; searched: Summary };
  /** From another page of the portal. */
  click: { rows: Summary; searched: Summary };
  scroll: Scroll;
}

/** What came of scrolling through the whole list. */
export interface Scroll {
  /** Times in which the page could not answer, of more than 50 ms each, in milliseconds. */
  longTasksMs: number[];
  /** Milliseconds between two pictures. */
  frames: Summary;
}

interface Opening {
  rowsMs: number;
  searchedMs: number;
}

type Session = Awaited<ReturnType<BrowserContext["storageState"]>>;

const viewport = { width: 1_440, height: 900 };
const limitMs = 30_000;
/** Before an opening: until the former's page has closed, and the browser has made the new one's window. */
const pauseMs = 1_000;
const wheelSteps = 60;
const seenSchema = z.object({ tasksMs: z.array(z.number()), framesMs: z.array(z.number()) });

/** What a page is to show: rows of a list, and what it says of their number, or null for any rows. */
interface WantedRows {
  label: string;
  count: string | null;
  limitMs: number;
}

/**
 * Runs in the page: waits until rows are painted.
 * @returns milliseconds since the navigation
 */
function waitForRows({ label, count, limitMs: mostMs }: WantedRows): Promise<number> {
  return new Promise((settle, refuse) => {
    const readCounts = (): string[] =>
      [...document.querySelectorAll("main [role=status]")].map(({ textContent }) => textContent);
    const isThere = (): boolean =>
      document.querySelector(`table[aria-label="${label}"] tr[data-row]`) !== null &&
      (count === null || readCounts().includes(count));
    const watcher = new MutationObserver(() => look());
    const timer = setTimeout(() => {
      watcher.disconnect();
      const wanted = `${count ?? "any row"} of the list "${label}"`;
      refuse(new Error(`${wanted} was not there after ${mostMs / 1_000} s; the page said: ${readCounts().join("; ")}`));
    }, mostMs);
    const look = (): void => {
      if (!isThere()) return;
      clearTimeout(timer);
      watcher.disconnect();
      // The next picture has it; what is asked for in it runs before it is painted.
      requestAnimationFrame(() => setTimeout(() => settle(performance.now())));
    };
    watcher.observe(document, { subtree: true, childList: true, characterData: true });
    look();
  });
}

const watchRows = (page: Page, { label }: PortalList, count: string | null): Promise<number> =>
  page.evaluate(waitForRows, { label, count, limitMs });

/** Types a search as soon as there are rows, and waits until the only row that fits is painted. */
async function searchRows(page: Page, list: PortalList, rowsSeen: Promise<number>): Promise<Opening> {
  const rowsMs = await rowsSeen;
  const searched = watchRows(page, list, `1 of ${list.rows} ${list.label}`);
  await page.keyboard.press("/");
  // As somebody pastes it: how quickly the pages' reader types is not what is measured.
  await page.keyboard.insertText(list.search);
  return { rowsMs, searchedMs: await searched };
}

async function openCold(browser: Browser, baseUrl: string, session: Session, list: PortalList): Promise<Opening> {
  const context = await browser.newContext({ viewport, storageState: session });
  context.setDefaultTimeout(limitMs);
  try {
    const page = await context.newPage();
    await sleep(pauseMs);
    await page.goto(baseUrl + list.path, { waitUntil: "commit" });
    return await searchRows(page, list, watchRows(page, list, null));
  } finally {
    await context.close();
  }
}

/** Opens a list by its link, as the first that is read in this page. */
async function openByClick(page: Page, baseUrl: string, list: PortalList): Promise<Opening> {
  await page.goto(baseUrl + list.from);
  await page.locator("[data-live=live]").waitFor();
  const clicked = page.evaluate(
    () =>
      new Promise<number>((settle) =>
        addEventListener("click", ({ timeStamp }) => settle(timeStamp), { once: true, capture: true }),
      ),
  );
  // Registered before anything is clicked.
  await page.evaluate(() => undefined);
  const rowsSeen = watchRows(page, list, null);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: list.link, exact: true }).click();
  const opening = await searchRows(page, list, rowsSeen);
  const startMs = await clicked;
  return { rowsMs: opening.rowsMs - startMs, searchedMs: opening.searchedMs - startMs };
}

/** Turns the wheel through the whole list. */
async function scrollThrough(page: Page, list: PortalList): Promise<Scroll> {
  const end = watchRows(page, list, `${list.rows} ${list.label}`);
  await page.locator("[data-page-search]").fill("");
  await end;
  await page.mouse.move(viewport.width / 2, viewport.height / 2);
  await page.evaluate(() => {
    const seen = { tasksMs: [] as number[], framesMs: [] as number[] };
    Object.assign(globalThis, { seenWhileScrolling: seen });
    new PerformanceObserver((entries) => {
      for (const { duration } of entries.getEntries()) seen.tasksMs.push(duration);
    }).observe({ type: "longtask" });
    let lastMs = performance.now();
    const onFrame = (nowMs: number): void => {
      seen.framesMs.push(nowMs - lastMs);
      lastMs = nowMs;
      requestAnimationFrame(onFrame);
    };
    requestAnimationFrame(onFrame);
  });
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let step = 0; step < wheelSteps; step += 1) await page.mouse.wheel(0, Math.ceil(height / wheelSteps));
  await page.waitForFunction(() => scrollY + innerHeight >= document.documentElement.scrollHeight - 1);
  const seen: unknown = await page.evaluate((): unknown => Reflect.get(globalThis, "seenWhileScrolling"));
  const { tasksMs, framesMs } = seenSchema.parse(seen);
  return { longTasksMs: tasksMs, frames: summarizeValues(framesMs) };
}

const summarizeOpenings = (all: readonly Opening[]): ListOpenings["cold"] => ({
  rows: summarizeValues(all.map(({ rowsMs }) => rowsMs)),
  searched: summarizeValues(all.map(({ searchedMs }) => searchedMs)),
});

/** Opens a list over and over, in a browser where nobody else does anything, and scrolls through it once. */
export async function timeList(
  browser: Browser,
  { baseUrl, session, openings }: { baseUrl: string; session: Session; /** In each way. */ openings: number },
  list: PortalList,
): Promise<ListOpenings> {
  const cold: Opening[] = [];
  // The first one is for the server, which has just been started.
  await openCold(browser, baseUrl, session, list);
  for (let count = 0; count < openings; count += 1) cold.push(await openCold(browser, baseUrl, session, list));
  const context = await browser.newContext({ viewport, storageState: session });
  context.setDefaultTimeout(limitMs);
  try {
    const page = await context.newPage();
    const click: Opening[] = [];
    for (let count = 0; count < openings; count += 1) {
      click.push(await openByClick(page, baseUrl, list));
      await sleep(pauseMs);
    }
    const scroll = await scrollThrough(page, list);
    return { list, cold: summarizeOpenings(cold), click: summarizeOpenings(click), scroll };
  } finally {
    await context.close();
  }
}
