import { expect, test } from "vitest";
import { deriveClusterPhase } from "../clusters/derive-phase.ts";
import { deriveControlPlanePhase } from "./derive-phase.ts";

test.each([
  { deletionRequested: true, isChanging: true, ready: "True", phase: "Deleting" },
  { deletionRequested: false, isChanging: true, ready: "True", phase: "Provisioning" },
  { deletionRequested: false, isChanging: true, ready: "False", phase: "Provisioning" },
  { deletionRequested: false, isChanging: false, ready: undefined, phase: "Provisioning" },
  { deletionRequested: false, isChanging: false, ready: "True", phase: "Ready" },
  { deletionRequested: false, isChanging: false, ready: "False", phase: "Degraded" },
  { deletionRequested: false, isChanging: false, ready: "Unknown", phase: "Unknown" },
] as const)(
  "a control plane is $phase (deleting $deletionRequested, changing $isChanging, ready $ready)",
  ({ phase, ...facts }) => {
    expect(deriveControlPlanePhase(facts)).toBe(phase);
  },
);

const calm = { deletionRequested: false, isChanging: false, wasConnected: true, conditions: [] };
test.each([
  { facts: { ...calm, deletionRequested: true, isChanging: true }, phase: "Disconnecting" },
  { facts: { ...calm, isChanging: true }, phase: "Connecting" },
  { facts: { ...calm, wasConnected: false }, phase: "ConnectFailed" },
  { facts: calm, phase: "Connected" },
  { facts: { ...calm, conditions: [{ status: "True" }] }, phase: "Connected" },
  { facts: { ...calm, conditions: [{ status: "Unknown" }, { status: "True" }] }, phase: "Unknown" },
  { facts: { ...calm, conditions: [{ status: "Unknown" }, { status: "False" }] }, phase: "Degraded" },
])("a cluster is $phase", ({ facts, phase }) => {
  expect(deriveClusterPhase(facts)).toBe(phase);
});
