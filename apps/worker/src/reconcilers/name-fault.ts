import { isDatabaseError, type RevisionWork } from "@pilothouse/core";
import { ProvisionerError } from "@pilothouse/provisioner";
import { LookCancelled } from "../engine/back-off.ts";

/**
 * What an error says of the object that was looked at, fit for a tenant. What nobody typed is a fault of this program: the log has its words, the
 * tenant is told that there is one.
 * @returns undefined when it says nothing of the object: the look was ended, or the database failed
 */
export function nameFault(error: unknown): ProvisionerError | undefined {
  if (error instanceof ProvisionerError) return error;
  if (error instanceof LookCancelled || isDatabaseError(error)) return undefined;
  return new ProvisionerError(
    "unknown",
    "InternalError",
    "Pilothouse can't do this because of a fault of its own. It is tried again and again; the provider finds more in the worker's log.",
    { cause: error },
  );
}

export function notConnected({ clusterName }: RevisionWork): ProvisionerError {
  return new ProvisionerError(
    "notReady",
    "NotConnected",
    `Mesh cluster ${clusterName} is not connected, so that nothing can be done there. Connect it.`,
  );
}
