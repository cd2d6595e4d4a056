import type { ObservedCondition, StoredCondition } from "./merge-condition.ts";

/** From the cause to the effect: the first one that is not as wished is the reason. The last is the sentinel's. */
const conditionOrder = [
  "Isolated",
  "CustomResourcesServed",
  "CredentialValid",
  "EndpointPublished",
  "IstiodAvailable",
  "EndpointProven",
  "WebhooksInstalled",
  "Proven",
  "Serving",
];

/** Conditions that say what the others come to. */
const summaries = new Set(["Ready", "Removed"]);

/**
 * Ready, from all that is stored of a revision: what is False counts before what is Unknown, and without a proof that holds nothing is Ready.
 */
export function summarizeRevision(
  conditions: readonly ObservedCondition[],
  revision: { id: string; hostname: string },
): ObservedCondition {
  const type = "Ready";
  const place = ({ type: name }: ObservedCondition): number => (conditionOrder.indexOf(name) + 100) % 100;
  const parts = conditions
    .filter((condition) => !summaries.has(condition.type))
    .toSorted((a, b) => place(a) - place(b));
  const worst = parts.find(({ status }) => status === "False") ?? parts.find(({ status }) => status === "Unknown");
  if (worst !== undefined) return { type, status: worst.status, reason: worst.reason, message: worst.message };
  if (!parts.some((condition) => condition.type === "Proven")) {
    return {
      type,
      status: "Unknown",
      reason: "NotProven",
      message: `Revision ${revision.id} has not been proven yet.`,
    };
  }
  const message = `Revision ${revision.id} serves its mesh through ${revision.hostname}.`;
  return { type, status: "True", reason: "Proven", message };
}

/**
 * What a reconcile saw, made complete by what it did not come to see. When something blocked it, stored conditions that it says nothing about are
 * Unknown now; when nothing did, they are `obsolete`: they spoke of a step on the way. A proof that held until now and fails once is Unknown, too:
 * twice makes it False.
 */
export function completeObservation(
  stored: readonly StoredCondition[],
  observed: readonly ObservedCondition[],
): { conditions: ObservedCondition[]; obsolete: string[] } {
  const seen = new Set(observed.map(({ type }) => type));
  const silent = stored
    .map(({ type }) => type)
    .filter((type) => !seen.has(type) && !summaries.has(type) && type !== "Serving");
  const blocker = observed.find((condition) => !summaries.has(condition.type) && condition.status !== "True");
  const wasProven = stored.some(({ type, status }) => type === "Proven" && status === "True");
  const conditions = observed
    .filter(({ type }) => type !== "Ready")
    .map((condition): ObservedCondition => {
      const isFirstFailure = wasProven && condition.type === "Proven" && condition.status === "False";
      return isFirstFailure ? { ...condition, status: "Unknown" } : condition;
    });
  if (blocker === undefined) return { conditions, obsolete: silent };
  const message = `Not looked at this time, as ${blocker.type} comes first.`;
  const notReached = silent.map((type): ObservedCondition => ({
    type,
    status: "Unknown",
    reason: "NotReached",
    message,
  }));
  return { conditions: [...conditions, ...notReached], obsolete: [] };
}
