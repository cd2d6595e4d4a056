import { ProvisionerError } from "../errors.ts";
import { ProofFailure, type ProofReason } from "./reasons.ts";
import { probeAccount, probeNamespace } from "./types.ts";

/**
 * Puts a failed call to the mesh cluster's API server into words: nothing of it says that the revision is at fault. `what`
 * continues "Pilothouse could not". What is no ProvisionerError comes back as it is.
 */
export function describeMeshApiError(error: unknown, what: string): unknown {
  if (!(error instanceof ProvisionerError)) return error;
  const fail = (reason: ProofReason, message: string) =>
    new ProofFailure(reason, message, { code: error.code, said: error.message }, error);
  if (namesMissingNamespace(error.message)) {
    return fail(
      "ProbeNamespaceMissing",
      `The namespace ${probeNamespace} is missing in the mesh cluster, or is being deleted. Connecting creates it: connect the cluster again.`,
    );
  }
  if (namesMissingAccount(error.message)) {
    return fail(
      "ProbeAccountMissing",
      `The ServiceAccount ${probeNamespace}/${probeAccount} is missing in the mesh cluster. Connecting creates it: connect the cluster again.`,
    );
  }
  if (error.code === "Forbidden") {
    return fail(
      "ProbeForbidden",
      `Pilothouse's identity in the mesh cluster may not ${what}. Connecting grants it: connect the cluster again.`,
    );
  }
  // The limit of a call changes with the time that is left.
  const stable = error.message.replace(/within \d+ ms/, "in time");
  return fail("MeshApiUnavailable", `Pilothouse could not ${what} (${error.code}). ${stable}`);
}

function namesMissingNamespace(message: string): boolean {
  return (
    message.includes(`namespaces "${probeNamespace}" not found`) ||
    message.includes(`in namespace ${probeNamespace} because it is being terminated`)
  );
}

function namesMissingAccount(message: string): boolean {
  return new RegExp(`serviceaccounts? "${probeAccount}" not found`, "i").test(message);
}
