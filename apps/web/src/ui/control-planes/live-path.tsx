import type { ReactNode } from "react";
import { Status, type StatusTone } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./live-path.module.css";

/** How one way through the path was when it was last tried. */
export interface PathProbe {
  name: "admission" | "injection" | "certificate" | "discovery";
  tone: Extract<StatusTone, "ok" | "bad" | "unknown" | "busy">;
  latencyMs: number | null;
  /** When it was tried; null before the first time. */
  at: string | null;
  message: string;
}

export interface LivePathProps {
  cluster: string;
  istiodCluster: string;
  hostname: string;
  version: string;
  /** Proxies that have a stream; null when that is not known. */
  proxies: number | null;
  probes: readonly PathProbe[];
  /** How istiod reaches the API server: by a token that lives so long. */
  credential: { tone: PathProbe["tone"]; message: string };
  /** Whether istiod itself runs, as its istiod cluster sees it. */
  istiod: { tone: PathProbe["tone"]; message: string };
}

const probeWords: Record<PathProbe["name"], { title: string; port: number; what: string }> = {
  admission: { title: "Validation", port: 443, what: "The API server asks istiod about Istio objects" },
  injection: { title: "Injection", port: 443, what: "The API server has istiod add sidecars to new pods" },
  certificate: { title: "Certificates", port: 15_012, what: "A workload gets its certificate from istiod" },
  discovery: {
    title: "Configuration",
    port: 15_012,
    what: "A proxy gets clusters and listeners, and acknowledges them",
  },
};

const toneWords: Record<PathProbe["tone"], string> = {
  ok: "works",
  bad: "fails",
  unknown: "can't be seen",
  busy: "not tried yet",
};

const order = ["bad", "unknown", "busy", "ok"] as const;

/** Of several states the one that matters most. */
const worstOf = (tones: readonly PathProbe["tone"][]): PathProbe["tone"] =>
  order.find((tone) => tones.includes(tone)) ?? "busy";

const describeLatency = (latencyMs: number | null): string => (latencyMs === null ? "" : `${Math.round(latencyMs)} ms`);

/**
 * The way of a mesh through its control plane, as it is now: API server and proxies reach istiod by the edge, and istiod reaches the API server with
 * its token. The drawing is for those who look; below it the same stands in words.
 */
export function LivePath(props: LivePathProps): ReactNode {
  const { probes } = props;
  const toneOf = (...names: PathProbe["name"][]): PathProbe["tone"] =>
    worstOf(probes.filter(({ name }) => names.includes(name)).map(({ tone }) => tone));
  const latencyOf = (...names: PathProbe["name"][]): string => {
    const known = probes.filter(({ name, latencyMs }) => names.includes(name) && latencyMs !== null);
    return describeLatency(known.length === 0 ? null : Math.max(...known.map(({ latencyMs }) => latencyMs ?? 0)));
  };
  const webhooks = {
    tone: toneOf("admission", "injection"),
    label: "webhooks · 443",
    latency: latencyOf("admission", "injection"),
  };
  const streams = {
    tone: toneOf("certificate", "discovery"),
    label: "xDS · 15012",
    latency: latencyOf("certificate", "discovery"),
  };
  return (
    <div className={styles["path"]}>
      <Drawing {...props} webhooks={webhooks} streams={streams} />
      <ul className={styles["probes"]} aria-label="What is proven of the path">
        {probes.map(({ name, tone, latencyMs, at, message }) => (
          <li key={name} data-probe={name} data-tone={tone}>
            <div className={styles["probe"]}>
              <strong>{probeWords[name].title}</strong>
              <Status tone={tone} quiet>
                {toneWords[tone]}
              </Status>
              <span className={styles["measure"]}>
                {describeLatency(latencyMs)}
                {at === null ? null : (
                  <>
                    {latencyMs === null ? "" : " · "}
                    <TimeAgo at={at} />
                  </>
                )}
              </span>
            </div>
            <p>{tone === "ok" || tone === "busy" ? probeWords[name].what : message}</p>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface Way {
  tone: PathProbe["tone"];
  label: string;
  latency: string;
}

const size = { width: 880, height: 300 } as const;
const box = { width: 190, height: 76 } as const;
const places = {
  apiServer: { x: 10, y: 20 },
  proxies: { x: 10, y: 204 },
  edge: { x: 345, y: 112 },
  istiod: { x: 680, y: 112 },
} as const;

function Drawing({
  cluster,
  istiodCluster,
  hostname,
  version,
  proxies,
  istiod,
  credential,
  webhooks,
  streams,
}: LivePathProps & { webhooks: Way; streams: Way }): ReactNode {
  const through = worstOf([webhooks.tone, streams.tone]);
  const count = proxies === null ? "not counted yet" : `${proxies} connected`;
  return (
    <svg
      className={styles["drawing"]}
      viewBox={`0 0 ${size.width} ${size.height}`}
      aria-hidden="true"
      focusable="false"
    >
      <Arrow way={webhooks} points="200,58 272,58 272,138 345,138" labelAt={{ x: 282, y: 76 }} />
      <Arrow way={streams} points="200,242 272,242 272,162 345,162" labelAt={{ x: 282, y: 232 }} />
      <Arrow
        way={{ tone: through, label: "by name, TLS untouched", latency: "" }}
        points="535,150 680,150"
        labelAt={{ x: 540, y: 136 }}
      />
      <Arrow
        way={{ tone: credential.tone, label: "watches, with its token", latency: "" }}
        points="775,112 775,40 200,40"
        labelAt={{ x: 600, y: 30 }}
        isDashed
      />
      <Node place={places.apiServer} title="API server" line={cluster} />
      <Node place={places.proxies} title="Proxies" line={count} />
      <Node place={places.edge} title="Edge" line={istiodCluster} />
      <Node place={places.istiod} title={`istiod ${version}`} line={hostname.split(".")[0] ?? ""} tone={istiod.tone} />
    </svg>
  );
}

function Node({
  place,
  title,
  line,
  tone = "ok",
}: {
  place: { x: number; y: number };
  title: string;
  line: string;
  tone?: PathProbe["tone"];
}): ReactNode {
  const longest = 24;
  return (
    <g className={[styles["node"], styles[tone]].join(" ")} transform={`translate(${place.x} ${place.y})`}>
      <rect width={box.width} height={box.height} rx="12" />
      <text x="16" y="33" className={styles["title"]}>
        {title}
      </text>
      <text x="16" y="55" className={styles["line"]}>
        {line.length > longest ? `${line.slice(0, longest - 1)}…` : line}
      </text>
    </g>
  );
}

function Arrow({
  way: { tone, label, latency },
  points,
  labelAt,
  isDashed = false,
}: {
  way: Way;
  points: string;
  labelAt: { x: number; y: number };
  isDashed?: boolean;
}): ReactNode {
  const [endX = 0, endY = 0] = (points.split(" ").at(-1) ?? "").split(",").map(Number);
  const [beforeX = 0] = (points.split(" ").at(-2) ?? "").split(",").map(Number);
  const back = beforeX < endX ? -1 : 1;
  return (
    <g className={[styles["arrow"], styles[tone], isDashed ? styles["dashed"] : ""].join(" ")} data-tone={tone}>
      <polyline points={points} />
      <path d={`M${endX} ${endY} l${back * 10} -5 v10 z`} />
      <text x={labelAt.x} y={labelAt.y}>
        {label}
        {latency === "" ? "" : ` · ${latency}`}
      </text>
      {tone === "bad" ? (
        <text x={labelAt.x} y={labelAt.y + 16} className={styles["verdict"]}>
          fails
        </text>
      ) : null}
      {tone === "unknown" ? (
        <text x={labelAt.x} y={labelAt.y + 16} className={styles["verdict"]}>
          can’t be seen
        </text>
      ) : null}
    </g>
  );
}
