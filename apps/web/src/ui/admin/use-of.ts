import type { Capacity, IstiodCluster } from "@pilothouse/contract";

/** A resource of an istiod cluster: how much of it there is, and how much is reserved. */
export interface ResourceUse {
  name: keyof Capacity;
  label: string;
  reserved: number;
  capacity: number;
  /** Of capacity, from 0 to 1. */
  share: number;
  format: (value: number) => string;
}

/** Without zeros at the end. */
const round = (value: number, digits: number): number => Number(value.toFixed(digits));

const resources: readonly { name: keyof Capacity; label: string; format: (value: number) => string }[] = [
  { name: "slots", label: "Revisions", format: (value) => String(value) },
  { name: "cpuMilli", label: "CPU", format: (value) => `${round(value / 1_000, value < 1_000 ? 2 : 1)} cores` },
  {
    name: "memoryMib",
    label: "Memory",
    format: (value) => (value < 1_024 ? `${value} MiB` : `${round(value / 1_024, 1)} GiB`),
  },
];

/** Use of each resource of an istiod cluster. */
export function describeUse({ capacity, reserved }: Pick<IstiodCluster, "capacity" | "reserved">): ResourceUse[] {
  return resources.map(({ name, label, format }) => ({
    name,
    label,
    format,
    reserved: reserved[name],
    capacity: capacity[name],
    share: capacity[name] === 0 ? 1 : reserved[name] / capacity[name],
  }));
}

/** The share of the resource that runs out first. */
export const findTightest = (cluster: Pick<IstiodCluster, "capacity" | "reserved">): number =>
  Math.max(...describeUse(cluster).map(({ share }) => share));

/** How full is worth a look: from four fifths on an operator has to act, from nine tenths soon. */
export const toneOfUse = (share: number): "ok" | "warn" | "bad" =>
  share >= 0.9 ? "bad" : share >= 0.8 ? "warn" : "ok";
