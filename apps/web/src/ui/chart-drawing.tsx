"use client";
import type { ReactNode } from "react";
import { Area, CartesianGrid, ComposedChart, Line, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { type ChartDetails, type ChartPoint, chartHeight, colourOf, formatMoment } from "./chart-parts.ts";

const dayMs = 86_400_000;
const quarters = 4;

function formatTime(atMs: number, spanMs: number): string {
  const options: Intl.DateTimeFormatOptions =
    spanMs > 2 * dayMs ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat("en", options).format(atMs);
}

/** Marks from nothing to the highest value: its quarters where they are whole, else as they come. */
function describeTicks(points: readonly ChartPoint[]): { domain: [number, number | "auto"]; ticks?: number[] } {
  const most = Math.max(0, ...points.flatMap(({ values }) => Object.values(values).map((value) => value ?? 0)));
  if (most === 0 || most % quarters !== 0) return { domain: [0, "auto"] };
  return { domain: [0, most], ticks: Array.from({ length: quarters + 1 }, (_, index) => (most / quarters) * index) };
}

/** The drawing alone, which is the larger part of a page that has one: it is read when it is to be shown. */
export function ChartDrawing({ series, points, format }: ChartDetails): ReactNode {
  const spanMs = (points.at(-1)?.atMs ?? 0) - (points[0]?.atMs ?? 0);
  const data = points.map(({ atMs, values }) => ({ atMs, ...values }));
  return (
    <ResponsiveContainer width="100%" height={chartHeight} initialDimension={{ width: 320, height: chartHeight }}>
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
  );
}
