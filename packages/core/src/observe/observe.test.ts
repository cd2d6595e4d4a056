import { expect, test } from "vitest";
import { findDatabaseCode } from "../work/find-database-code.ts";
import { mergeCondition, type ObservedCondition, type StoredCondition } from "./merge-condition.ts";
import { describeEnd } from "./save-removal.ts";
import { completeObservation, summarizeRevision } from "./summarize-revision.ts";

const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 0, minute));
const see = (type: string, status: ObservedCondition["status"], reason = "Some"): ObservedCondition => ({
  type,
  status,
  reason,
  message: `${reason}.`,
});
const store = (condition: ObservedCondition): StoredCondition => mergeCondition(undefined, condition, 1, at(0));

test("an observation that does not differ is the stored one; the time moves with the status alone", () => {
  const before = store(see("Proven", "True"));
  expect(mergeCondition(before, see("Proven", "True"), 1, at(5))).toBe(before);
  expect(mergeCondition(before, see("Proven", "True", "Other"), 2, at(5))).toMatchObject({
    reason: "Other",
    observedGeneration: 2,
    lastTransitionAt: at(0),
  });
  expect(mergeCondition(before, see("Proven", "False"), 1, at(5)).lastTransitionAt).toEqual(at(5));
});

test("Unknown keeps what was known, however often it is seen again, and forgets it when it knows", () => {
  const unknown = mergeCondition(store(see("Proven", "False", "Was")), see("Proven", "Unknown", "A"), 1, at(5));
  const known = { status: "False", reason: "Was", message: "Was.", at: at(5).toISOString() };
  expect(unknown.lastKnown).toEqual(known);
  expect(mergeCondition(unknown, see("Proven", "Unknown", "B"), 1, at(9)).lastKnown).toEqual(known);
  expect(mergeCondition(unknown, see("Proven", "True"), 1, at(9)).lastKnown).toBeNull();
});

test("Ready names the cause: False before Unknown, what comes first before what follows, and nothing without a proof", () => {
  const revision = { id: "r", hostname: "r.x" };
  const summarize = (...conditions: ObservedCondition[]) => summarizeRevision(conditions, revision);
  expect(summarize(see("Isolated", "True"))).toMatchObject({ status: "Unknown", reason: "NotProven" });
  expect(summarize(see("Proven", "True"), see("Serving", "True"))).toMatchObject({ status: "True" });
  expect(
    summarize(see("Isolated", "Unknown"), see("Serving", "False", "B"), see("IstiodAvailable", "False", "A")),
  ).toMatchObject({
    status: "False",
    reason: "A",
  });
  expect(summarize(see("Proven", "True"), see("Serving", "Unknown", "U"), see("Ready", "False"))).toMatchObject({
    reason: "U",
  });
});

test("what a blocked look did not come to see is Unknown; what a whole look no longer says is obsolete", () => {
  const stored = ["Isolated", "EndpointProven", "Serving", "Ready"].map((type) => store(see(type, "True")));
  const blocked = completeObservation(stored, [see("Isolated", "False")]);
  expect(blocked.conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
    "Isolated False",
    "EndpointProven Unknown",
  ]);
  expect(completeObservation(stored, [see("Isolated", "True")])).toMatchObject({ obsolete: ["EndpointProven"] });
});

test("a proof that held fails once as Unknown, twice as False", () => {
  const fail = [see("Proven", "False")];
  const first = completeObservation([store(see("Proven", "True"))], fail).conditions[0];
  expect(first?.status).toBe("Unknown");
  expect(completeObservation([store(see("Proven", "Unknown"))], fail).conditions[0]?.status).toBe("False");
  expect(completeObservation([], fail).conditions[0]?.status).toBe("False");
});

test("a removal's end says what was kept and how to remove what was left", () => {
  const end = describeEnd({
    conditions: [see("Removed", "False", "LeftBehind")],
    kept: ["a"],
    leftovers: [{ cluster: "c", what: "w", command: "kubectl x" }],
  });
  expect(end).toEqual({
    reason: "LeftBehind",
    message: "LeftBehind. Kept: a. Left behind: w (in c; remove it with `kubectl x`).",
  });
});

test("an SQLSTATE is found wherever it is kept, and Prisma's own codes are none", () => {
  expect(findDatabaseCode({ code: "P2010", meta: { driverAdapterError: { cause: { originalCode: "55P03" } } } })).toBe(
    "55P03",
  );
  expect(findDatabaseCode({ code: "P2002" })).toBeUndefined();
  expect(findDatabaseCode(undefined)).toBeUndefined();
});
