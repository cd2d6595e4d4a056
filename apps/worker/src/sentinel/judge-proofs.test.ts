import type { Proof } from "@pilothouse/provisioner";
import { expect, test } from "vitest";
import { judgeFinding } from "./judge-proofs.ts";

const base = { waitable: false, latencyMs: 1, details: {}, message: "So." };
const good: Proof = { ...base, name: "discovery", ok: true, verdict: "proven" };
const unseen: Proof = { ...base, name: "certificate", ok: false, verdict: "unknown", reason: "MeshApiUnavailable" };
const refuted: Proof = { ...base, name: "admission", ok: false, verdict: "refuted", reason: "WebhookRefused" };

test.for([
  ["all holds", [good], undefined, "True", "Watched"],
  ["what is refuted counts before what is unseen", [unseen, refuted, good], undefined, "False", "WebhookRefused"],
  ["what is unseen is Unknown", [good, unseen], undefined, "Unknown", "MeshApiUnavailable"],
  [
    "the cause comes before the effect",
    [refuted, { ...good, ok: false, verdict: "refuted", reason: "ConnectionRefused" }],
    undefined,
    "False",
    "ConnectionRefused",
  ],
  ["proofs hold and no stream opens", [good], "It broke.", "Unknown", "NoStream"],
] as const)("%s", ([, proofs, streamProblem, status, reason]) => {
  const found = judgeFinding({ proofs, ...(streamProblem === undefined ? {} : { streamProblem }) });
  expect(found).toMatchObject({ type: "Serving", status, reason });
});
