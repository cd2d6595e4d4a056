import type { Condition, Proof, Revision } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { describePath } from "./path-of-revision.ts";

const at = (minute: number): string => new Date(minute * 60_000).toISOString();

const proof = (name: Proof["name"], minute: number, verdict: Proof["verdict"] = "proven"): Proof => ({
  name,
  verdict,
  latencyMs: 12,
  reason: verdict === "proven" ? null : "ConnectionRefused",
  message: verdict === "proven" ? "It works." : "The edge refuses.",
  at: at(minute),
  lastProvenAt: verdict === "proven" ? at(minute) : at(1),
});

const condition = (type: string, status: Condition["status"], minute: number): Condition => ({
  type,
  status,
  reason: "R",
  message: `${type} is ${status}.`,
  observedGeneration: 1,
  lastTransitionAt: at(minute),
});

const revision = (proofs: Proof[], conditions: Condition[]): Revision => ({
  id: "shop-1-32-abcde",
  controlPlane: "shop",
  version: "1.32.1",
  line: "1.32",
  istiodCluster: "istiod-eu-1-b",
  namespace: "shop-1-32-abcde",
  hostname: "shop-1-32-abcde.cp.test",
  replicas: 1,
  placement: { istiodCluster: "istiod-eu-1-b", candidates: [], rejected: [] },
  generation: 1,
  observedGeneration: 1,
  credential: null,
  conditions,
  proofs,
  proxies: null,
  phase: "Ready",
  readyAt: null,
  deletionRequestedAt: null,
  createdAt: at(0),
});

const tonesOf = (proofs: Proof[], conditions: Condition[]): Record<string, string> =>
  Object.fromEntries(describePath(revision(proofs, conditions), "shop").probes.map(({ name, tone }) => [name, tone]));

test("what has not been tried says so, what is proven works", () => {
  expect(tonesOf([proof("admission", 1)], [condition("Serving", "True", 1)])).toEqual({
    admission: "ok",
    injection: "busy",
    certificate: "busy",
    discovery: "busy",
  });
});

test("a proof of before the failure does not hold any more; the one that failed is named", () => {
  const proofs = [proof("admission", 1), proof("discovery", 5, "refuted")];
  expect(tonesOf(proofs, [condition("Serving", "False", 5)])).toMatchObject({ admission: "unknown", discovery: "bad" });
});

test("a proof that was made again after the failure holds", () => {
  expect(tonesOf([proof("admission", 6)], [condition("Serving", "False", 5)])).toMatchObject({ admission: "ok" });
});

test("where the API server does not answer it is what can't be seen, and the edge is not suspected", () => {
  const lost = { ...condition("Serving", "Unknown", 5), reason: "MeshApiUnavailable" };
  const path = describePath(
    revision([proof("admission", 6, "unknown"), proof("discovery", 6, "unknown")], [lost]),
    "shop",
  );
  expect([path.apiServer, path.edge]).toEqual(["unknown", "ok"]);
});

test("the edge is suspected where nothing comes through, also before the first proofs", () => {
  const edgeOf = (proofs: Proof[], conditions: Condition[]) => describePath(revision(proofs, conditions), "shop").edge;
  const refuted = (["admission", "injection", "certificate", "discovery"] as const).map((name) =>
    proof(name, 6, "refuted"),
  );
  expect(edgeOf(refuted, [condition("Serving", "False", 5)])).toBe("bad");
  const untried = [...refuted.slice(0, 3), proof("discovery", 6, "unknown")];
  expect(edgeOf(untried, [condition("Serving", "False", 5)])).toBe("bad");
  expect(edgeOf([], [condition("EndpointProven", "False", 5)])).toBe("bad");
  expect(edgeOf([proof("admission", 6)], [condition("Serving", "False", 5)])).toBe("ok");
  expect(edgeOf([], [])).toBe("busy");
});
