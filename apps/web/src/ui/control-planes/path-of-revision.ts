import { type Condition, type Proof, proofSchema, type Revision } from "@pilothouse/contract";
import type { LivePathProps, PathProbe } from "./live-path.tsx";
import { worstOf } from "./path-tone.ts";

const tones = { True: "ok", False: "bad", Unknown: "unknown" } as const;
const verdicts = { proven: "ok", refuted: "bad", unknown: "unknown" } as const;

/** Reason of what could not be proven because the mesh cluster's API server, which is asked for it, does not answer. */
const serverLost = "MeshApiUnavailable";

const names = proofSchema.shape.name.options;

/** Conditions that say of the path as a whole whether it serves, the newest look first. */
const pathConditions = ["Serving", "Proven"] as const;

function toneOf(conditions: readonly Condition[], type: string): PathProbe["tone"] {
  const condition = conditions.find((one) => one.type === type);
  return condition === undefined ? "busy" : tones[condition.status];
}

const messageOf = (conditions: readonly Condition[], type: string): string =>
  conditions.find((one) => one.type === type)?.message ?? "";

/**
 * A revision as a path. A proof that was made before the watch failed is not shown as what is the case now: until it is made again, what fails is in the
 * condition, and what was not tried since can't be seen.
 */
export function describePath(revision: Revision, cluster: string): LivePathProps {
  const { conditions, proofs } = revision;
  const failing = pathConditions
    .map((type) => conditions.find((one) => one.type === type))
    .find((condition) => condition !== undefined && condition.status !== "True");
  const probes = names.map((name): PathProbe => {
    const proof = proofs.find((one) => one.name === name);
    if (proof === undefined) return { name, tone: "busy", latencyMs: null, at: null, lastAt: null, message: "" };
    return describeProof(proof, failing);
  });
  const isServerLost = failing?.reason === serverLost;
  return {
    cluster,
    istiodCluster: revision.istiodCluster,
    hostname: revision.hostname,
    version: revision.version,
    proxies: revision.proxies?.connected ?? null,
    probes,
    apiServer: isServerLost ? "unknown" : "ok",
    edge: isServerLost ? "ok" : judgeEdge(conditions, probes),
    credential: { tone: toneOf(conditions, "CredentialValid"), message: messageOf(conditions, "CredentialValid") },
    istiod: { tone: toneOf(conditions, "IstiodAvailable"), message: messageOf(conditions, "IstiodAvailable") },
  };
}

/**
 * Where anything comes through, the edge lets it. Where nothing does and something fails, that may be the edge, also when the rest was not even tried.
 * Before the first proofs it is tried alone.
 */
function judgeEdge(conditions: readonly Condition[], probes: readonly PathProbe[]): PathProbe["tone"] {
  const found = probes.map(({ tone }) => tone);
  if (found.includes("ok")) return "ok";
  return found.every((tone) => tone === "busy") ? toneOf(conditions, "EndpointProven") : worstOf(found);
}

function describeProof(
  { name, verdict, latencyMs, message, at, lastProvenAt: lastAt }: Proof,
  failing: Condition | undefined,
): PathProbe {
  const isOlder = failing !== undefined && Date.parse(at) < Date.parse(failing.lastTransitionAt);
  if (verdict === "proven" && isOlder)
    return { name, tone: "unknown", latencyMs: null, at, lastAt, message: failing.message };
  return { name, tone: verdicts[verdict], latencyMs: verdict === "proven" ? latencyMs : null, at, lastAt, message };
}
