"use client";
import dynamic from "next/dynamic";
import type { ReactNode } from "react";
import { type ChartDetails, chartHeight, colourOf, formatMoment } from "./chart-parts.ts";
import styles from "./chart.module.css";

interface ChartProps extends ChartDetails {
  /** What is shown, for those who listen, and above the table. */
  label: string;
}

const Drawing = dynamic(() => import("./chart-drawing.tsx").then(({ ChartDrawing }) => ChartDrawing), {
  ssr: false,
  // Nothing jumps when it comes.
  loading: () => <div style={{ height: chartHeight }} />,
});

/** Values over time, drawn, and as a table of the same numbers for those who can't see the drawing. */
export function Chart({ label, series, points, format }: ChartProps): ReactNode {
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
        <Drawing series={series} points={points} format={format} />
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
