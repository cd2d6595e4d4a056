import { type Summary, summarizeValues } from "../bench/statistics.ts";
import { buildTable } from "../document.ts";
import type { Verdict } from "./load-report.ts";
import { type ChangeMeasurement, type MeasuredView, pollIntervalMs } from "./measure-changes.ts";
import type { ListOpenings } from "./time-lists.ts";

/** What was measured in a browser. */
export interface PortalMeasurement {
  controlPlanes: number;
  /** How often each list was opened in each way. */
  openings: number;
  lists: ListOpenings[];
  changes: ChangeMeasurement;
}

/** Product rules, in milliseconds: p95 of each. */
const limits = { interactiveMs: 1_000, changeMs: 500 } as const;

const ms = (value: number): string => `${Math.round(value)} ms`;

/** Views of one kind together. */
function joinViews(views: readonly MeasuredView[]): MeasuredView[] {
  return [...Map.groupBy(views, ({ name }) => name)].map(([name, all]) => ({
    name,
    delays: {
      ms: all.flatMap(({ delays }) => delays.ms),
      overtaken: all.reduce((sum, { delays }) => sum + delays.overtaken, 0),
      lost: all.flatMap(({ delays }) => delays.lost),
    },
  }));
}

/** Holds what was measured against the limits. */
export function judgePortal({ lists, changes }: PortalMeasurement): Verdict[] {
  const below = (what: string, value: number, limit: number): Verdict => ({
    what,
    measured: ms(value),
    limit: `under ${ms(limit)}`,
    passed: value < limit,
  });
  const views = joinViews(changes.views);
  const lost = views.reduce((sum, { delays }) => sum + delays.lost.length, 0);
  return [
    ...lists.flatMap(({ list: { name }, cold, click }) => [
      below(`${name}, opened for the first time, searched, p95`, cold.searched.p95, limits.interactiveMs),
      below(`${name}, from another page, searched, p95`, click.searched.p95, limits.interactiveMs),
    ]),
    ...views.map(({ name, delays }) =>
      below(`a change is in the document: ${name}, p95`, summarizeValues(delays.ms).p95, limits.changeMs),
    ),
    { what: "changes that were not seen", measured: String(lost), limit: "0", passed: lost === 0 },
  ];
}

function buildOpenings(lists: readonly ListOpenings[]): string {
  const pair = ({ p50, p95 }: Summary): string => `${Math.round(p50)} / ${ms(p95)}`;
  return buildTable(
    [
      "p50 / p95",
      "rows",
      "first time: rows",
      "searched",
      "from a page: rows",
      "searched",
      "long tasks scrolling",
      "frames",
    ],
    lists.map(({ list, cold, click, scroll }) => [
      list.name,
      String(list.rows),
      pair(cold.rows),
      pair(cold.searched),
      pair(click.rows),
      pair(click.searched),
      scroll.longTasksMs.length === 0
        ? "none"
        : `${scroll.longTasksMs.length}, longest ${ms(Math.max(...scroll.longTasksMs))}`,
      pair(scroll.frames),
    ]),
  );
}

function buildChanges({ views, polled }: ChangeMeasurement): string {
  const polling = summarizeValues(polled.ms);
  const row = (name: string, { ms: all, overtaken }: MeasuredView["delays"]): string[] => {
    const { p50, p95, max } = summarizeValues(all);
    return [
      name,
      String(all.length),
      String(overtaken),
      ms(p50),
      ms(p95),
      ms(max),
      `${(polling.p95 / p95).toFixed(1)} times`,
    ];
  };
  return buildTable(
    ["from the commit to the document", "changes", "overtaken", "p50", "p95", "max", "faster than polling, p95"],
    [
      ...joinViews(views).map(({ name, delays }) => row(name, delays)),
      [...row(`REST, the whole list every ${pollIntervalMs / 1_000} s`, polled).slice(0, -1), ""],
    ],
  );
}

/** What is printed and written of a run, in Markdown. @param surroundings about the day and the machine */
export function buildPortalReport(measurement: PortalMeasurement, surroundings: string): string {
  return [
    `${surroundings} ${measurement.controlPlanes} control planes of one tenant; each list opened ${measurement.openings} times in each way.`,
    buildTable(
      ["", "measured", "limit", ""],
      judgePortal(measurement).map(({ what, measured, limit, passed }) => [
        what,
        measured,
        limit,
        passed ? "passed" : "FAILED",
      ]),
    ),
    buildOpenings(measurement.lists),
    buildChanges(measurement.changes),
  ].join("\n\n");
}
