/** What one istiod needs: copied from `istiodResources.requests` of packages/provisioner/src/istio/istiod-deployment.ts; change both together. */
const istiodRequests = { cpuMilli: 50, memoryMib: 128 };

/** What a revision of so many istiods reserves, all of them together. */
export function sizeRevision(replicas: number): { cpuMilli: number; memoryMib: number } {
  return { cpuMilli: replicas * istiodRequests.cpuMilli, memoryMib: replicas * istiodRequests.memoryMib };
}

/** What is to be placed. */
export interface WantedRevision {
  line: string;
  cpuMilli: number;
  memoryMib: number;
}

/** Where the mesh cluster's API server runs. */
export interface SeedLocation {
  region: string;
  zones: readonly string[];
}

interface Amounts {
  slots: number;
  cpuMilli: number;
  memoryMib: number;
}

/** An istiod cluster as the decision sees it. */
export interface PlacementCandidate {
  name: string;
  region: string;
  zones: readonly string[];
  line: string;
  schedulable: boolean;
  /** Whether its API server answers the workers; null: not known. */
  healthy: boolean | null;
  /** Whether a worker has ever seen it. */
  observed: boolean;
  capacity: Amounts;
  /** By the revisions that are there. */
  reserved: Amounts;
  /** How many revisions of the same tenant are there. */
  tenantRevisions: number;
}

export type RejectionReason =
  | "OtherLine"
  | "NotSchedulable"
  | "Unhealthy"
  | "HealthUnknown"
  | "NoFreeSlot"
  | "NotEnoughCpu"
  | "NotEnoughMemory";

export interface RankedCandidate {
  istiodCluster: string;
  region: string;
  /** Sum of the parts; higher is better. */
  score: number;
  parts: { observed: number; region: number; zones: number; freeCapacity: number; spreading: number };
}

export interface RejectedCandidate {
  istiodCluster: string;
  reason: RejectionReason;
  message: string;
}

export interface PlacementDecision {
  /** Absent when no candidate can take it. */
  chosen?: string;
  /** Those that could take it, best first. */
  ranked: RankedCandidate[];
  /** Those that could not, by name, each with the first rule it breaks. */
  rejected: RejectedCandidate[];
}

/**
 * Decides which istiod cluster hosts a revision. Pure: the same input gives the same answer, in whatever order candidates come.
 *
 * Hard rules reject: another line; closed for new revisions; not healthy; too little left beside what is reserved. A cluster that no worker
 * has ever seen is taken (the first order may well come before the first look, and the revision waits for it), but behind all that were
 * seen; one that was seen and can't be seen now is not, since nothing moves a revision away again.
 *
 * Soft rules rank, each one only where all before it are equal: seen by a worker; the seed's region; the share of the seed's zones, in tenths;
 * free capacity once it is there, in tenths of the scarcest kind; fewer revisions of the same tenant (up to nine are told apart). Still
 * equal: more free capacity exactly, then the name.
 */
export function placeRevision(input: {
  revision: WantedRevision;
  seed?: SeedLocation | undefined;
  candidates: readonly PlacementCandidate[];
}): PlacementDecision {
  const { revision, seed } = input;
  const rejected: RejectedCandidate[] = [];
  const possible: { ranked: RankedCandidate; free: number }[] = [];
  for (const candidate of input.candidates) {
    const rejection = reject(revision, candidate);
    if (rejection !== undefined) rejected.push({ istiodCluster: candidate.name, ...rejection });
    else possible.push(rank(revision, seed, candidate));
  }
  const ranked = possible
    .toSorted(
      (a, b) =>
        b.ranked.score - a.ranked.score ||
        b.free - a.free ||
        compareText(a.ranked.istiodCluster, b.ranked.istiodCluster),
    )
    .map((entry) => entry.ranked);
  const best = ranked[0];
  return {
    ...(best === undefined ? {} : { chosen: best.istiodCluster }),
    ranked,
    rejected: rejected.toSorted((a, b) => compareText(a.istiodCluster, b.istiodCluster)),
  };
}

const compareText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function reject(
  revision: WantedRevision,
  { line, schedulable, healthy, observed, capacity, reserved }: PlacementCandidate,
): { reason: RejectionReason; message: string } | undefined {
  if (line !== revision.line) return { reason: "OtherLine", message: `It hosts Istio ${line}, not ${revision.line}.` };
  if (!schedulable) return { reason: "NotSchedulable", message: "It is closed for new revisions." };
  if (healthy === false) return { reason: "Unhealthy", message: "Its API server does not answer." };
  if (healthy === null && observed) {
    return { reason: "HealthUnknown", message: "It can't be seen at the moment." };
  }
  const free = subtract(capacity, reserved);
  if (free.slots < 1) return { reason: "NoFreeSlot", message: `All its ${capacity.slots} slots are taken.` };
  if (free.cpuMilli < revision.cpuMilli) {
    return {
      reason: "NotEnoughCpu",
      message: `It has ${Math.max(0, free.cpuMilli)}m CPU left, and ${revision.cpuMilli}m are needed.`,
    };
  }
  if (free.memoryMib < revision.memoryMib) {
    return {
      reason: "NotEnoughMemory",
      message: `It has ${Math.max(0, free.memoryMib)} MiB memory left, and ${revision.memoryMib} MiB are needed.`,
    };
  }
  return undefined;
}

function subtract(a: Amounts, b: Amounts): Amounts {
  return { slots: a.slots - b.slots, cpuMilli: a.cpuMilli - b.cpuMilli, memoryMib: a.memoryMib - b.memoryMib };
}

/** Each part's smallest step is more than all parts behind it can come to. */
const points = { observed: 10_000, region: 2_000, zoneTenth: 100, capacityTenth: 10, revision: 1 };

function rank(
  revision: WantedRevision,
  seed: SeedLocation | undefined,
  candidate: PlacementCandidate,
): { ranked: RankedCandidate; free: number } {
  const free = shareFree(revision, candidate);
  const sameRegion = seed !== undefined && seed.region === candidate.region;
  const parts = {
    observed: candidate.observed ? points.observed : 0,
    region: sameRegion ? points.region : 0,
    zones: sameRegion ? Math.floor(shareZones(seed.zones, candidate.zones) * 10) * points.zoneTenth : 0,
    freeCapacity: Math.min(9, Math.floor(free * 10)) * points.capacityTenth,
    spreading: Math.max(0, 9 - candidate.tenantRevisions) * points.revision,
  };
  const score = Object.values(parts).reduce((sum, part) => sum + part, 0);
  return { ranked: { istiodCluster: candidate.name, region: candidate.region, score, parts }, free };
}

/** Of the scarcest kind, from 0 to 1, once the revision is there. */
function shareFree(revision: WantedRevision, { capacity, reserved }: PlacementCandidate): number {
  const left = subtract(subtract(capacity, reserved), {
    slots: 1,
    cpuMilli: revision.cpuMilli,
    memoryMib: revision.memoryMib,
  });
  return Math.min(
    left.slots / capacity.slots,
    left.cpuMilli / Math.max(1, capacity.cpuMilli),
    left.memoryMib / Math.max(1, capacity.memoryMib),
  );
}

function shareZones(wanted: readonly string[], zones: readonly string[]): number {
  return wanted.length === 0 ? 0 : wanted.filter((zone) => zones.includes(zone)).length / wanted.length;
}
