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

const hourMs = 3_600_000;
const timeSteps = [hourMs / 6, hourMs / 2, hourMs, 3 * hourMs, 6 * hourMs, 12 * hourMs, dayMs, 2 * dayMs, 7 * dayMs];
const mostTimeTicks = 6;

/** Marks at whole hours or days of the viewer's zone. */
function listTimeTicks(fromMs: number, toMs: number): number[] {
  const step = timeSteps.find((ms) => (toMs - fromMs) / ms <= mostTimeTicks) ?? 7 * dayMs;
  const zoneMs = new Date(toMs).getTimezoneOffset() * 60_000;
  const firstMs = Math.ceil((fromMs - zoneMs) / step) * step + zoneMs;
  const count = Math.max(0, Math.floor((toMs - firstMs) / step) + 1);
  return Array.from({ length: count }, (_, index) => firstMs + index * step);
}

/** Marks from nothing to the highest value: its quarters where they are whole, else as they come. */
function describeTicks(points: readonly ChartPoint[]): { domain: [number, number | "auto"]; ticks?: number[] } {
  const most = Math.max(0, ...points.flatMap(({ values }) => Object.values(values).map((value) => value ?? 0)));
  if (most === 0 || most % quarters !== 0) return { domain: [0, "auto"] };
  return { domain: [0, most], ticks: Array.from({ length: quarters + 1 }, (_, index) => (most / quarters) * index) };
}

/** The drawing alone, which is the larger part of a page that has one: it is read when it is to be shown. */
export function ChartDrawing({ series, points, format }: ChartDetails): ReactNode {
  const fromMs = points[0]?.atMs ?? 0;
  const toMs = points.at(-1)?.atMs ?? 0;
  const spanMs = toMs - fromMs;
  const data = points.map(({ atMs, values }) => ({ atMs, ...values }));
  return (
    <ResponsiveContainer width="100%" height={chartHeight} initialDimension={{ width: 320, height: chartHeight }}>
      <ComposedChart data={data} margin={{ top: 8, right: 20, bottom: 4, left: 0 }} accessibilityLayer={false}>
        <CartesianGrid stroke="var(--line)" vertical={false} />
        <XAxis
          dataKey="atMs"
          type="number"
          domain={["dataMin", "dataMax"]}
          tickFormatter={(atMs: number) => formatTime(atMs, spanMs)}
          ticks={listTimeTicks(fromMs, toMs)}
          minTickGap={16}
          stroke="var(--line-strong)"
          tickMargin={6}
          tick={{ fill: "var(--text-muted)", fontSize: 12 }}
        />
        <YAxis
          {...describeTicks(points)}
          width={72}
          tickFormatter={(value: number) => (value === 0 ? "0" : format(value))}
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
