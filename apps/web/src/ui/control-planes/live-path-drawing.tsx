import type { ReactNode } from "react";
import styles from "./live-path-drawing.module.css";
import type { PathTone } from "./path-tone.ts";

/** One way between two nodes. */
export interface PathWay {
  tone: PathTone;
  label: string;
  /** Behind the label where there is room. */
  port: string;
  /** Behind it when it works. */
  measure: string;
}

/** What the drawing shows. */
export interface DrawnPath {
  cluster: string;
  istiodCluster: string;
  version: string;
  revision: string;
  proxies: string;
  webhooks: PathWay;
  streams: PathWay;
  behindEdge: PathWay;
  watches: PathWay;
  apiServer: PathTone;
  edge: PathTone;
  istiod: PathTone;
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Line {
  points: string;
  /** Middle of its label. */
  label: { x: number; y: number };
}

interface Layout {
  width: number;
  height: number;
  mesh: Box;
  host: Box;
  apiServer: Box;
  proxies: Box;
  edge: Box;
  istiod: Box;
  webhooks: Line;
  streams: Line;
  behindEdge: Line;
  watches: Line;
  /** Begin of the provider's heading, beside what passes it. */
  hostTextX: number;
  /** Labels leave out what is not needed. */
  isTerse: boolean;
}

const smallCharacter = 7;
/** How many characters of the small text fit into a node. */
const charactersIn = (width: number): number => Math.floor((width - 24) / smallCharacter);

const wide: Layout = {
  width: 960,
  height: 330,
  mesh: { x: 4, y: 4, width: 262, height: 322 },
  host: { x: 506, y: 4, width: 450, height: 322 },
  apiServer: { x: 24, y: 52, width: 222, height: 100 },
  proxies: { x: 24, y: 206, width: 222, height: 100 },
  edge: { x: 526, y: 139, width: 160, height: 84 },
  istiod: { x: 756, y: 139, width: 180, height: 84 },
  webhooks: { points: "246,126 466,126 466,164 526,164", label: { x: 356, y: 126 } },
  streams: { points: "246,256 466,256 466,198 526,198", label: { x: 356, y: 256 } },
  behindEdge: { points: "686,181 756,181", label: { x: 721, y: 166 } },
  watches: { points: "846,139 846,76 246,76", label: { x: 386, y: 76 } },
  hostTextX: 524,
  isTerse: false,
};

const narrow: Layout = {
  width: 328,
  height: 440,
  mesh: { x: 2, y: 2, width: 324, height: 128 },
  host: { x: 2, y: 304, width: 324, height: 134 },
  apiServer: { x: 14, y: 36, width: 142, height: 80 },
  proxies: { x: 172, y: 36, width: 142, height: 80 },
  edge: { x: 186, y: 340, width: 128, height: 84 },
  istiod: { x: 14, y: 340, width: 128, height: 84 },
  webhooks: { points: "128,116 128,166 208,166 208,340", label: { x: 164, y: 166 } },
  streams: { points: "284,116 284,340", label: { x: 270, y: 216 } },
  behindEdge: { points: "186,382 142,382", label: { x: 164, y: 368 } },
  watches: { points: "44,340 44,116", label: { x: 50, y: 266 } },
  hostTextX: 62,
  isTerse: true,
};

/**
 * The path as a drawing, in the shape that the screen has room for: what belongs to the mesh cluster on one side, what the provider runs on the other,
 * and each way between them with its state and its latency. The same stands in words beside it, so it is hidden from those who listen.
 */
export function LivePathDrawing({ path }: { path: DrawnPath }): ReactNode {
  return (
    <>
      <Drawing layout={wide} path={path} className={styles["wide"]} />
      <Drawing layout={narrow} path={path} className={styles["narrow"]} />
    </>
  );
}

function Drawing({
  layout,
  path,
  className = "",
}: {
  layout: Layout;
  path: DrawnPath;
  className: string | undefined;
}): ReactNode {
  const { width, height } = layout;
  return (
    <svg
      className={[styles["drawing"], className].join(" ")}
      viewBox={`0 0 ${width} ${height}`}
      aria-hidden="true"
      focusable="false"
    >
      <Frame box={layout.mesh} text="Your cluster" textX={layout.mesh.x + 18} />
      <Frame box={layout.host} text="Run by Pilothouse" textX={layout.hostTextX} />
      <Way layout={layout} line={layout.watches} way={path.watches} isDashed />
      <Way layout={layout} line={layout.webhooks} way={path.webhooks} />
      <Way layout={layout} line={layout.streams} way={path.streams} />
      <Way layout={layout} line={layout.behindEdge} way={path.behindEdge} isShort />
      <Node box={layout.apiServer} title="API server" text={path.cluster} tone={path.apiServer} />
      <Node box={layout.proxies} title="Proxies" text={path.proxies} />
      <Node box={layout.edge} title="Edge" text={path.istiodCluster} tone={path.edge} />
      <Node box={layout.istiod} title="istiod" badge={path.version} text={path.revision} tone={path.istiod} />
    </svg>
  );
}

function Frame({ box: { x, y, width, height }, text, textX }: { box: Box; text: string; textX: number }): ReactNode {
  return (
    <g className={styles["frame"]}>
      <rect x={x} y={y} width={width} height={height} rx="16" />
      <text x={textX} y={y + 25}>
        {text}
      </text>
    </g>
  );
}

function Node({
  box: { x, y, width, height },
  title,
  badge = "",
  text,
  tone = "ok",
}: {
  box: Box;
  title: string;
  badge?: string;
  text: string;
  tone?: PathTone;
}): ReactNode {
  const most = charactersIn(width);
  const shown = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  const middle = y + height / 2;
  return (
    <g className={[styles["node"], styles[tone]].join(" ")}>
      <rect x={x} y={y} width={width} height={height} rx="12" />
      {tone === "ok" ? null : <circle cx={x + width - 16} cy={y + 16} r="5" />}
      <text x={x + 14} y={middle - 5} className={styles["title"]}>
        {title}
        {badge === "" ? null : <tspan className={styles["badge"]}> {badge}</tspan>}
      </text>
      <text x={x + 14} y={middle + 17} className={styles["text"]}>
        {shown}
      </text>
    </g>
  );
}

const verdicts: Record<PathTone, string> = { ok: "", bad: "fails", unknown: "can’t be seen", busy: "not tried yet" };
const labelCharacter = 6.6;
const labelHeight = 24;

/** What stands on a way: a short drawing leaves the port out, and what can be seen anyway. */
function describeWay({ tone, label, port, measure }: PathWay, isTerse: boolean): string {
  const verdict = tone === "busy" && isTerse ? "" : verdicts[tone];
  return [isTerse || port === "" ? label : `${label} ${port}`, tone === "ok" ? measure : verdict]
    .filter(Boolean)
    .join(" · ");
}

/** A line with an arrow at its end, and its label on it. */
function Way({
  layout,
  line: { points, label: at },
  way,
  isDashed = false,
  isShort = false,
}: {
  layout: Layout;
  line: Line;
  way: PathWay;
  isDashed?: boolean;
  /** Without room for a label on it: it says only what is wrong. */
  isShort?: boolean;
}): ReactNode {
  const corners = points.split(" ").map((corner) => corner.split(",").map(Number));
  const [endX = 0, endY = 0] = corners.at(-1) ?? [];
  const [beforeX = 0, beforeY = 0] = corners.at(-2) ?? [];
  const angle = (Math.atan2(endY - beforeY, endX - beforeX) * 180) / Math.PI;
  const { tone } = way;
  const words = describeWay(way, layout.isTerse);
  const width = words.length * labelCharacter + 18;
  // Nothing of it may be cut off at the edges.
  const middle = Math.min(Math.max(at.x, width / 2 + 2), layout.width - width / 2 - 2);
  return (
    <g className={[styles["way"], styles[tone], isDashed ? styles["dashed"] : ""].join(" ")} data-tone={tone}>
      <polyline points={points} />
      <path d="M0 0 l-11 -5.5 v11 z" transform={`translate(${endX} ${endY}) rotate(${angle})`} />
      {isShort ? null : (
        <>
          <rect x={middle - width / 2} y={at.y - labelHeight / 2} width={width} height={labelHeight} rx="12" />
          <text x={middle} y={at.y + 4}>
            {words}
          </text>
        </>
      )}
    </g>
  );
}
