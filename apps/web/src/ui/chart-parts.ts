/** One line of a chart. */
export interface ChartSeries {
  id: string;
  label: string;
  /** `area` is filled, `limit` is what the others must not come over. */
  kind: "area" | "line" | "limit";
  /** Colour of the tokens, by its number. */
  colour: 1 | 2 | 3 | 4;
}

/** Values at a time; null where there is none, which leaves a gap. */
export interface ChartPoint {
  atMs: number;
  values: Readonly<Record<string, number | null>>;
}

/** What is drawn. */
export interface ChartDetails {
  series: readonly ChartSeries[];
  /** At most 500, oldest first. */
  points: readonly ChartPoint[];
  /** With its unit. */
  format: (value: number) => string;
}

/** Of the drawing, in CSS pixels. */
export const chartHeight = 220;

/** A line's colour, by its token. */
export const colourOf = ({ kind, colour }: ChartSeries): string =>
  kind === "limit" ? "var(--line-strong)" : `var(--chart-${colour})`;

/** A time of a chart in words. */
export const formatMoment = (atMs: number): string =>
  new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" }).format(atMs);
