import { calculateMedian } from "../bench/statistics.ts";
import { buildTable } from "../document.ts";
import { categories, type Category, type LighthouseResult } from "./run-lighthouse.ts";

/** Fewest points of each category, for every page. */
const limits: Readonly<Record<Category, number>> = { performance: 90, accessibility: 95, "best-practices": 95 };

/** A page over all its visits: the median of each number, and what cost points in any of them. */
export interface JudgedPage extends LighthouseResult {
  name: string;
  /** Categories with too few points. */
  missed: Category[];
}

/** Puts the visits of a page together, and holds their medians against the limits. */
export function judgePage(name: string, visits: readonly LighthouseResult[]): JudgedPage {
  const median = (read: (visit: LighthouseResult) => number): number => calculateMedian(visits.map(read));
  const scores = new Map(
    categories.map((category) => [category, median((visit) => visit.scores.get(category) ?? Number.NaN)]),
  );
  return {
    name,
    scores,
    lcpMs: median(({ lcpMs }) => lcpMs),
    tbtMs: median(({ tbtMs }) => tbtMs),
    cls: median(({ cls }) => cls),
    bytes: median(({ bytes }) => bytes),
    faults: [...new Set(visits.flatMap(({ faults }) => faults))],
    // What is no number is missed, too.
    missed: categories.filter((category) => !((scores.get(category) ?? Number.NaN) >= limits[category])),
  };
}

const ms = (value: number): string => `${Math.round(value)} ms`;

/** What is printed and written: Markdown. @param surroundings about the day and the machine */
export function buildLighthouseReport(pages: readonly JudgedPage[], surroundings: string): string {
  const points = ({ scores, missed }: JudgedPage, category: Category): string =>
    `${scores.get(category) ?? "none"}${missed.includes(category) ? " MISSED" : ""}`;
  return [
    surroundings,
    buildTable(
      [
        "page",
        ...categories.map((category) => `${category} (${limits[category]})`),
        "largest paint",
        "blocked",
        "shift",
        "sent",
      ],
      pages.map((page) => [
        page.name,
        ...categories.map((category) => points(page, category)),
        ms(page.lcpMs),
        ms(page.tbtMs),
        page.cls.toFixed(3),
        `${Math.round(page.bytes / 1_024)} KiB`,
      ]),
    ),
  ].join("\n\n");
}
