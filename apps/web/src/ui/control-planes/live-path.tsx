import type { ReactNode } from "react";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { LivePathDrawing, type PathWay } from "./live-path-drawing.tsx";
import styles from "./live-path.module.css";
import { bestOf, type PathTone, worstOf } from "./path-tone.ts";

/** How one way through the path was when it was last tried. */
export interface PathProbe {
  name: "admission" | "injection" | "certificate" | "discovery";
  tone: PathTone;
  latencyMs: number | null;
  /** When it was tried; null before the first time. */
  at: string | null;
  /** When it worked last; null when it never did. */
  lastAt: string | null;
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
  /** Whether Pilothouse reaches the mesh cluster's API server. */
  apiServer: PathTone;
  edge: PathTone;
  /** How istiod reaches the API server: by a token that lives so long. */
  credential: { tone: PathTone; message: string };
  /** Whether istiod itself runs, as its istiod cluster sees it. */
  istiod: { tone: PathTone; message: string };
}

const probeWords: Record<PathProbe["name"], { title: string; what: string }> = {
  admission: { title: "Validation", what: "The API server asks istiod about Istio objects" },
  injection: { title: "Injection", what: "The API server has istiod add sidecars to new pods" },
  certificate: { title: "Certificates", what: "A workload gets its certificate from istiod" },
  discovery: { title: "Configuration", what: "A proxy gets clusters and listeners, and acknowledges them" },
};

const toneWords: Record<PathTone, string> = {
  ok: "works",
  bad: "fails",
  unknown: "can't be seen",
  busy: "not tried yet",
};

const describeLatency = (latencyMs: number | null): string => (latencyMs === null ? "" : `${Math.round(latencyMs)} ms`);

function describeWay(label: string, port: string, probes: readonly PathProbe[]): PathWay {
  const known = probes.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
  return {
    tone: worstOf(probes.map(({ tone }) => tone)),
    label,
    port,
    measure: describeLatency(known.length === 0 ? null : Math.max(...known)),
  };
}

/**
 * The way of a mesh through its control plane, as it is now: API server and proxies reach istiod by the edge, and istiod reaches the API server with
 * its token. The drawing is for those who look; below it the same stands in words.
 */
export function LivePath({
  cluster,
  istiodCluster,
  hostname,
  version,
  proxies,
  probes,
  apiServer,
  edge,
  credential,
  istiod,
}: LivePathProps): ReactNode {
  const of = (...names: PathProbe["name"][]): PathProbe[] => probes.filter(({ name }) => names.includes(name));
  const webhooks = describeWay("webhooks", "443", of("admission", "injection"));
  const streams = describeWay("xDS", "15012", of("certificate", "discovery"));
  return (
    <div className={styles["path"]}>
      <LivePathDrawing
        path={{
          cluster,
          istiodCluster,
          version,
          revision: hostname.split(".")[0] ?? "",
          proxies: proxies === null ? "not counted yet" : `${proxies} connected`,
          webhooks,
          streams,
          behindEdge: {
            // What comes after an edge that lets nothing in can't be seen from here.
            tone: edge === "ok" ? bestOf([webhooks.tone, streams.tone]) : edge === "bad" ? "unknown" : edge,
            label: "",
            port: "",
            measure: "",
          },
          watches: {
            tone: apiServer === "ok" ? credential.tone : apiServer,
            label: "watches",
            port: "with its token",
            measure: "",
          },
          apiServer,
          edge,
          istiod: istiod.tone,
        }}
      />
      <ul className={styles["probes"]} aria-label="What is proven of the path">
        {probes.map(({ name, tone, latencyMs, at, lastAt, message }) => (
          <li key={name} data-probe={name} data-tone={tone}>
            <div className={styles["probe"]}>
              <strong>{probeWords[name].title}</strong>
              <Status tone={tone === "busy" ? "off" : tone} quiet>
                {toneWords[tone]}
              </Status>
            </div>
            <p className={styles["what"]}>{tone === "ok" || tone === "busy" ? probeWords[name].what : message}</p>
            <p className={styles["measure"]}>
              {latencyMs === null ? null : <strong>{describeLatency(latencyMs)}</strong>}
              {at === null ? (
                "no result yet"
              ) : (
                <span>
                  tried <TimeAgo at={at} />
                </span>
              )}
            </p>
            {tone === "bad" || tone === "unknown" ? (
              <p className={styles["measure"]}>
                {lastAt === null ? (
                  "never worked yet"
                ) : (
                  <span>
                    worked last <TimeAgo at={lastAt} />
                  </span>
                )}
              </p>
            ) : null}
          </li>
        ))}
      </ul>
    </div>
  );
}
