import { Boxes, Check, CircleDashed, DoorOpen, HelpCircle, type LucideIcon, Sailboat, Server, X } from "lucide-react";
import type { ReactNode } from "react";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./live-path-drawing.module.css";
import { narrow, type Box, type Lane, type Layout, wide } from "./live-path-layout.ts";
import type { PathTone } from "./path-tone.ts";

/** One way between two nodes. */
export interface PathWay {
  tone: PathTone;
  label: string;
  /** Behind the label where there is room. */
  port: string;
  /** Its slowest proof, when it works. */
  measure: string;
  /** When it was tried; null where it is not, or was not yet. */
  at: string | null;
}

/** A node: how it is, and that in words. */
export interface PathNode {
  /** Absent where it is only counted. */
  tone?: PathTone;
  text: string;
}

/** What the drawing shows. */
export interface DrawnPath {
  cluster: string;
  istiodCluster: string;
  version: string;
  revision: string;
  apiServer: PathNode;
  proxies: PathNode;
  edge: PathNode;
  istiod: PathNode;
  watches: PathWay;
  webhooks: PathWay;
  streams: PathWay;
  behindEdge: PathTone;
}

const marks: Record<PathTone, LucideIcon> = { ok: Check, bad: X, unknown: HelpCircle, busy: CircleDashed };
const verdicts: Record<PathTone, string> = {
  ok: "works",
  bad: "fails",
  unknown: "can’t be seen",
  busy: "not tried yet",
};

/**
 * The path as a drawing, in the shape that there is room for: what belongs to the mesh cluster on one side, what the provider runs on the other, and each
 * way between them with its state, its latency and when it was tried. The same stands in words beside it, so it is hidden from those who listen.
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
  return (
    <svg
      className={[styles["drawing"], className].join(" ")}
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      aria-hidden="true"
      focusable="false"
    >
      <Frame box={layout.mesh} heading={layout.meshHeading} text="Mesh cluster" name={path.cluster} />
      <Frame box={layout.host} heading={layout.hostHeading} text="Istiod cluster" name={path.istiodCluster} />
      <Way lane={layout.watches} tone={path.watches.tone} isReturn />
      <Way lane={layout.webhooks} tone={path.webhooks.tone} at={path.webhooks.at} />
      <Way lane={layout.streams} tone={path.streams.tone} at={path.streams.at} />
      <Way lane={layout.behindEdge} tone={path.behindEdge} at={path.streams.at ?? path.webhooks.at} />
      <Node box={layout.apiServer} icon={Server} title="API server" node={path.apiServer} />
      <Node box={layout.proxies} icon={Boxes} title="Proxies" node={path.proxies} />
      <Node box={layout.edge} icon={DoorOpen} title="Edge" node={path.edge} />
      <Node box={layout.istiod} icon={Sailboat} title="istiod" badge={path.version} node={path.istiod}>
        <code>{path.revision}</code>
      </Node>
      <Label box={layout.watches.label} way={path.watches} />
      <Label box={layout.webhooks.label} way={path.webhooks} />
      <Label box={layout.streams.label} way={path.streams} />
    </svg>
  );
}

function Frame({ box, heading, text, name }: { box: Box; heading: Box; text: string; name: string }): ReactNode {
  return (
    <g className={styles["frame"]}>
      <rect {...box} rx="14" />
      <foreignObject {...heading}>
        <p className={styles["heading"]}>
          {text} <strong>{name}</strong>
        </p>
      </foreignObject>
    </g>
  );
}

function Node({
  box,
  icon: Icon,
  title,
  badge,
  node: { tone, text },
  children,
}: {
  box: Box;
  icon: LucideIcon;
  title: string;
  badge?: string;
  node: PathNode;
  children?: ReactNode;
}): ReactNode {
  const Mark = tone === undefined ? null : marks[tone];
  return (
    <foreignObject {...box}>
      <div className={[styles["node"], tone === undefined ? "" : styles[tone]].join(" ")}>
        <p className={styles["title"]}>
          <Icon />
          <strong>{title}</strong>
          {badge === undefined ? null : <span>{badge}</span>}
        </p>
        {children}
        <p className={styles["state"]}>
          {Mark === null ? null : <Mark />}
          <span>{text}</span>
        </p>
      </div>
    </foreignObject>
  );
}

/** What stands on a way: its name, and how it is. */
function Label({ box, way: { tone, label, port, measure, at } }: { box: Box; way: PathWay }): ReactNode {
  const Mark = marks[tone];
  return (
    <foreignObject {...box}>
      <div className={[styles["label"], styles[tone]].join(" ")}>
        <p>
          <strong>{label}</strong> {port === "" ? null : <span className={styles["port"]}>{port}</span>}
        </p>
        <p className={styles["verdict"]}>
          <Mark />
          <span>{tone === "ok" && measure !== "" ? measure : verdicts[tone]}</span>
          {at === null ? null : (
            <span className={styles["when"]}>
              <TimeAgo at={at} />
            </span>
          )}
        </p>
      </div>
    </foreignObject>
  );
}

const headLength = 9;

/** A line with an arrow at its end. What fails ends in a cross before it. */
function Way({
  lane: { from, to },
  tone,
  at = null,
  isReturn = false,
}: {
  lane: Pick<Lane, "from" | "to">;
  tone: PathTone;
  /** When it was tried: what has come through just now is seen to move for a while. */
  at?: string | null;
  /** istiod's own way back: not what a mesh waits for. */
  isReturn?: boolean;
}): ReactNode {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  const end = { x: to.x - Math.cos(angle) * headLength, y: to.y - Math.sin(angle) * headLength };
  const line = { x1: from.x, y1: from.y, x2: end.x, y2: end.y };
  return (
    <g className={[styles["way"], styles[tone], isReturn ? styles["return"] : ""].join(" ")} data-tone={tone}>
      <line {...line} className={styles["line"]} />
      {tone === "ok" ? <line key={at} {...line} className={styles["flow"]} /> : null}
      <circle cx={from.x} cy={from.y} r="3.5" />
      <path d="M0 0 l-10 -5 v10 z" transform={`translate(${to.x} ${to.y}) rotate(${(angle * 180) / Math.PI})`} />
    </g>
  );
}
