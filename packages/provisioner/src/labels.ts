/** On every object Pilothouse creates in a cluster. */
export const managedByLabel = "app.kubernetes.io/managed-by";
export const managedByValue = "pilothouse";
/** Id of the mesh cluster an object belongs to. */
export const clusterLabel = "pilothouse.io/cluster";
/** Id of the revision an object belongs to. */
export const revisionLabel = "pilothouse.io/revision";

/** Labels of an object that belongs to a mesh cluster as a whole. */
export function labelsForCluster(clusterId: string): Record<string, string> {
  return { [managedByLabel]: managedByValue, [clusterLabel]: clusterId };
}

/** Label selector for everything `labelsForCluster` marks, revisions' objects included. */
export function selectorForCluster(clusterId: string): string {
  return `${managedByLabel}=${managedByValue},${clusterLabel}=${clusterId}`;
}
