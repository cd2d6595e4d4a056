export { controlPlaneDomain } from "./plan.ts";
export type { ClusterStatus, FleetStatus, PartStatus } from "./status.ts";
export type { IstioLineSupplies } from "./supplies.ts";
