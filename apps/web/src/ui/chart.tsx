"use client";
import type { ReactNode } from "react";
import { Area, CartesianGrid, ComposedChart, Line, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import styles from "./chart.module.css";

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

interface ChartProps {
  /** What is shown, for those who listen, and above the table. */
  label: string;
  series: readonly ChartSeries[];
  /** At most 500, oldest first. */
  points: readonly ChartPoint[];
  /** With its unit. */
  format: (value: number) => string;
}

const height = 220;
const dayMs = 86_400_000;
const quarters = 4;

const colourOf = ({ kind, colour }: ChartSeries): string =>
  kind === "limit" ? "var(--line-strong)" : `var(--chart-${colour})`;

function formatTime(atMs: number, spanMs: number): string {
  const options: Intl.DateTimeFormatOptions =
    spanMs > 2 * dayMs ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat("en", options).format(atMs);
}

const formatMoment = (atMs: number): string =>
  new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" }).format(atMs);

/** Marks from nothing to the highest value: its quarters where they are whole, else as they come. */
function describeTicks(points: readonly ChartPoint[]): { domain: [number, number | "auto"]; ticks?: number[] } {
  const most = Math.max(0, ...points.flatMap(({ values }) => Object.values(values).map((value) => value ?? 0)));
  if (most === 0 || most % quarters !== 0) return { domain: [0, "auto"] };
  return { domain: [0, most], ticks: Array.from({ length: quarters + 1 }, (_, index) => (most / quarters) * index) };
}

/** Values over time, drawn, and as a table of the same numbers for those who can't see the drawing. */
export function Chart({ label, series, points, format }: ChartProps): ReactNode {
  const spanMs = (points.at(-1)?.atMs ?? 0) - (points[0]?.atMs ?? 0);
  const data = points.map(({ atMs, values }) => ({ atMs, ...values }));
  return (
    <figure className={styles["chart"]}>
      <ul className={styles["legend"]} aria-hidden="true">
        {series.map((one) => (
          <li key={one.id} data-kind={one.kind} style={{ color: colourOf(one) }}>
            <span>{one.label}</span>
          </li>
        ))}
      </ul>
      <div className={styles["drawing"]} aria-hidden="true">
        <ResponsiveContainer width="100%" height={height} initialDimension={{ width: 320, height }}>
          <ComposedChart data={data} margin={{ top: 8, right: 8, bottom: 0, left: 0 }} accessibilityLayer={false}>
            <CartesianGrid stroke="var(--line)" vertical={false} />
            <XAxis
              dataKey="atMs"
              type="number"
              domain={["dataMin", "dataMax"]}
              tickFormatter={(atMs: number) => formatTime(atMs, spanMs)}
              minTickGap={48}
              stroke="var(--line-strong)"
              tick={{ fill: "var(--text-muted)", fontSize: 12 }}
            />
            <YAxis
              {...describeTicks(points)}
              width={72}
              tickFormatter={format}
              axisLine={false}
              tickLine={false}
              tick={{ fill: "var(--text-muted)", fontSize: 12 }}
            />
            <Tooltip
              labelFormatter={(atMs) => formatMoment(Number(atMs))}
              formatter={(value, name) => [format(Number(value)), name]}
              contentStyle={{
                background: "var(--raised)",
                border: "1px solid var(--line)",
                borderRadius: "var(--radius-small)",
                color: "var(--text)",
              }}
              isAnimationActive={false}
            />
            {series.map((one) =>
              one.kind === "area" ? (
                <Area
                  key={one.id}
                  dataKey={one.id}
                  name={one.label}
                  type="stepAfter"
                  stroke={colourOf(one)}
                  fill={colourOf(one)}
                  fillOpacity={0.18}
                  strokeWidth={2}
                  isAnimationActive={false}
                />
              ) : (
                <Line
                  key={one.id}
                  dataKey={one.id}
                  name={one.label}
                  type={one.kind === "limit" ? "stepAfter" : "monotone"}
                  stroke={colourOf(one)}
                  strokeWidth={one.kind === "limit" ? 1.5 : 2}
                  {...(one.kind === "limit" ? { strokeDasharray: "5 4" } : {})}
                  dot={false}
                  isAnimationActive={false}
                />
              ),
            )}
          </ComposedChart>
        </ResponsiveContainer>
      </div>
      <details className={styles["numbers"]}>
        <summary>The same as a table</summary>
        <div className={styles["scroll"]} tabIndex={0} role="region" aria-label={`${label}, as a table`}>
          <table>
            <caption className="visually-hidden">{label}</caption>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {series.map(({ id, label: name }) => (
                  <th key={id} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {points.toReversed().map(({ atMs, values }) => (
                <tr key={atMs}>
                  <th scope="row">{formatMoment(atMs)}</th>
                  {series.map(({ id }) => {
                    const value = values[id];
                    return <td key={id}>{value === null || value === undefined ? "no value" : format(value)}</td>;
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
