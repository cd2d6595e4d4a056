import lighthouse, { desktopConfig } from "lighthouse";
import { z } from "zod";

/** What Lighthouse judges, in the order in which it is shown. */
export const categories = ["performance", "accessibility", "best-practices"] as const;
export type Category = (typeof categories)[number];

/** Lighthouse's own presets: a desktop on a fast line, or a slow phone with a quarter of the CPU on 1.6 Mbit/s. */
export type Preset = "desktop" | "mobile";

/** Longest wait for a page to be at rest, in milliseconds: one that is live never is. */
const settleMs = 12_000;
/** Of one visit, whose trace is lost now and then. */
const mostAttempts = 3;

/** One visit of a page as Lighthouse saw it. */
export interface LighthouseResult {
  /** From 0 to 100; only those that were asked for. */
  scores: ReadonlyMap<Category, number>;
  /** Largest Contentful Paint, in milliseconds, as of the preset's line and CPU. */
  lcpMs: number;
  /** Total Blocking Time, in milliseconds. */
  tbtMs: number;
  /** Cumulative Layout Shift: 0 when nothing jumped. */
  cls: number;
  /** All that was sent to the browser. */
  bytes: number;
  /** What cost points, by the audits' own names. */
  faults: string[];
}

export interface LighthouseOptions {
  url: string;
  /** Where the browser is debugged. */
  port: number;
  preset: Preset;
  categories: readonly Category[];
}

type Report = NonNullable<Awaited<ReturnType<typeof lighthouse>>>["lhr"];

/**
 * Has Lighthouse visit a page in a browser that runs, as whoever is signed in there. A visit of which it says itself that it could not be recorded is made
 * again. @throws Error when it came to another page, or to none
 */
export async function runLighthouse(options: LighthouseOptions, attempts = mostAttempts): Promise<LighthouseResult> {
  const { url, port, preset } = options;
  const onlyCategories = [...options.categories];
  const flags = { port, logLevel: "error" as const, onlyCategories, maxWaitForLoad: settleMs };
  const result = await lighthouse(url, flags, preset === "desktop" ? desktopConfig : undefined);
  if (result === undefined) throw new Error(`Lighthouse said nothing of ${url}.`);
  const { runtimeError, finalDisplayedUrl } = result.lhr;
  if (runtimeError !== undefined) {
    if (attempts > 1) return runLighthouse(options, attempts - 1);
    throw new Error(
      `Lighthouse could not judge ${url}, tried ${mostAttempts} times: ${runtimeError.code}, ${runtimeError.message}`,
    );
  }
  // Whoever is not signed in is led elsewhere, and that page's points are of no use.
  if (finalDisplayedUrl !== url) throw new Error(`Lighthouse was led from ${url} to ${finalDisplayedUrl}.`);
  return readReport(result.lhr, options.categories);
}

function readReport(report: Report, asked: readonly Category[]): LighthouseResult {
  const read = (audit: string): number => report.audits[audit]?.numericValue ?? Number.NaN;
  return {
    scores: new Map(asked.map((name) => [name, Math.round((report.categories[name]?.score ?? 0) * 100)])),
    lcpMs: read("largest-contentful-paint"),
    tbtMs: read("total-blocking-time"),
    cls: read("cumulative-layout-shift"),
    bytes: read("total-byte-weight"),
    faults: asked.flatMap((name) => findFaults(report, name)),
  };
}

/** Audits that count for a category and are not as they should be; of performance only those far from it, as no time is ever perfect. */
function findFaults({ categories: judged, audits }: Report, category: Category): string[] {
  const least = category === "performance" ? 0.9 : 1;
  return (judged[category]?.auditRefs ?? [])
    .filter(({ id, weight }) => weight > 0 && (audits[id]?.score ?? 1) < least)
    .map(({ id }) => `${id}: ${audits[id]?.displayValue ?? describeItems(audits[id]?.details)}`);
}

const longestDetail = 300;

const detailsSchema = z.object({ items: z.array(z.unknown()) });

/** The first of what an audit lists, as it is. */
function describeItems(details: unknown): string {
  const found = detailsSchema.safeParse(details);
  return (JSON.stringify(found.data?.items[0]) ?? "").slice(0, longestDetail);
}
