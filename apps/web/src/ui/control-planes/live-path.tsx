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
  unknown: "can’t be seen",
  busy: "not tried yet",
};

const nodeWords = {
  apiServer: { ok: "answers", bad: "does not answer", unknown: "can’t be seen", busy: "not asked yet" },
  edge: { ok: "reachable", bad: "nothing comes through", unknown: "can’t be seen", busy: "not tried yet" },
  istiod: { ok: "available", bad: "not available", unknown: "can’t be seen", busy: "not installed yet" },
} as const satisfies Record<string, Record<PathTone, string>>;

/** All proofs together, in a few words. */
export function PathVerdict({ probes }: Pick<LivePathProps, "probes">): ReactNode {
  const failing = probes.filter(({ tone }) => tone === "bad").length;
  const tone = worstOf(probes.map((probe) => probe.tone));
  const words = {
    ok: "proven",
    bad: `${failing} of ${probes.length} proofs fail`,
    unknown: "can’t be seen",
    busy: "not proven yet",
  } as const satisfies Record<PathTone, string>;
  return <Status tone={tone}>{words[tone]}</Status>;
}

const describeLatency = (latencyMs: number | null): string => (latencyMs === null ? "" : `${Math.round(latencyMs)} ms`);

function describeWay(label: string, port: string, probes: readonly PathProbe[]): PathWay {
  const known = probes.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
  return {
    tone: worstOf(probes.map(({ tone }) => tone)),
    label,
    port,
    measure: describeLatency(known.length === 0 ? null : Math.max(...known)),
    at: probes.flatMap(({ at }) => (at === null ? [] : [at])).toSorted()[0] ?? null,
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
  const webhooks = describeWay("Webhooks", "443", of("admission", "injection"));
  const streams = describeWay("xDS", "15012", of("certificate", "discovery"));
  const through = bestOf([webhooks.tone, streams.tone]);
  return (
    <div className={styles["path"]}>
      <LivePathDrawing
        path={{
          cluster,
          istiodCluster,
          version,
          revision: hostname.split(".")[0] ?? "",
          apiServer: { tone: apiServer, text: nodeWords.apiServer[apiServer] },
          proxies: { text: proxies === null ? "not counted yet" : `${proxies} connected` },
          // Not suspected is not yet seen.
          edge:
            edge === "ok" && through !== "ok" ? { text: "not seen now" } : { tone: edge, text: nodeWords.edge[edge] },
          istiod: { tone: istiod.tone, text: nodeWords.istiod[istiod.tone] },
          webhooks,
          streams,
          // What is behind an edge that lets nothing through was not tried.
          behindEdge: edge === "ok" ? through : "busy",
          watches: {
            tone: apiServer === "ok" ? credential.tone : apiServer,
            label: "Watches",
            port: "with its token",
            measure: "",
            at: null,
          },
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
              <span>
                {at === null ? (
                  "no result yet"
                ) : (
                  <>
                    {tone === "ok" ? "proven" : "tried"} <TimeAgo at={at} />
                  </>
                )}
              </span>
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
