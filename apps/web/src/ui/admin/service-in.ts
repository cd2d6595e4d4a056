import type { ControlPlanePhase } from "@pilothouse/contract";

/** How the control planes that an istiod cluster hosts do. */
export interface ServiceIn {
  /** Those that serve, and those that should and do not; whoever comes up, goes, or can't be seen is in neither. */
  serving: number;
  failing: number;
}

/** Counts those of one istiod cluster. */
export function countService(
  controlPlanes: readonly { phase: ControlPlanePhase; revisions: readonly { istiodCluster: string }[] }[],
  istiodCluster: string,
): ServiceIn {
  const hosted = controlPlanes.filter(({ revisions }) => revisions.some((one) => one.istiodCluster === istiodCluster));
  const count = (wanted: ControlPlanePhase): number => hosted.filter(({ phase }) => phase === wanted).length;
  return { serving: count("Ready"), failing: count("Degraded") };
}
