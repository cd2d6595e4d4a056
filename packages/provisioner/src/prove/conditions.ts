import type { Condition, ConditionStatus } from "../types.ts";
import type { Proof } from "./types.ts";

const typeByName: Record<Proof["name"], string> = {
  admission: "AdmissionProven",
  injection: "InjectionProven",
  certificate: "CertificateProven",
  discovery: "DiscoveryProven",
  webhookHandshake: "WebhookHandshakeProven",
  discoveryHandshake: "DiscoveryHandshakeProven",
  validationAnswer: "ValidationAnswerProven",
  injectionAnswer: "InjectionAnswerProven",
};
const statusByVerdict: Record<Proof["verdict"], ConditionStatus> = {
  proven: "True",
  refuted: "False",
  unknown: "Unknown",
};

/** One condition per proof, `Unknown` where Pilothouse could not see. */
export function toConditions(proofs: readonly Proof[]): Condition[] {
  return proofs.map((proof) => ({
    type: typeByName[proof.name],
    status: statusByVerdict[proof.verdict],
    reason: proof.reason ?? "Proven",
    message: proof.message,
  }));
}
