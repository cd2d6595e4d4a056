import type { ProblemCode } from "@pilothouse/contract";
import { describeDatabaseError, translateOutage } from "../database/describe-error.ts";
import { DomainError } from "../errors.ts";

interface Refusal {
  code: ProblemCode;
  message: string;
  parameter?: string;
}

const nameTaken = (kind: string): Refusal => ({
  code: "AlreadyExists",
  message: `There is ${kind} of this name already. Choose another name, or change the one that is there.`,
  parameter: "name",
});
const unknown = (parameter: string, kind: string): Refusal => ({
  code: "UnknownReference",
  message: `There is no such ${kind}.`,
  parameter,
});

/** What the database enforces by itself, by the constraint's name. */
const refusals: Readonly<Record<string, Refusal>> = {
  tenants_name_key: nameTaken("a tenant"),
  regions_pkey: nameTaken("a region"),
  seeds_pkey: nameTaken("a seed"),
  version_lines_pkey: nameTaken("a version line"),
  versions_pkey: nameTaken("a version"),
  istiod_clusters_pkey: nameTaken("an istiod cluster"),
  mesh_clusters_tenant_id_name_key: nameTaken("a cluster"),
  control_planes_tenant_id_name_key: nameTaken("a control plane"),
  seeds_region_fkey: unknown("region", "region"),
  istiod_clusters_region_fkey: unknown("region", "region"),
  istiod_clusters_line_fkey: unknown("line", "version line"),
  versions_line_fkey: unknown("line", "version line"),
  mesh_clusters_seed_fkey: unknown("seed", "seed"),
  revisions_version_line_fkey: unknown("version", "version"),
  control_planes_tenant_id_cluster_id_fkey: unknown("cluster", "cluster"),
  versions_of_line: {
    code: "InvalidField",
    message: "A version's name begins with its line, as 1.32.1 with 1.32.",
    parameter: "name",
  },
  // A person's, in another tenant: what was answered there is not to be seen here.
  idempotency_keys_pkey: {
    code: "IdempotencyKeyReused",
    message: "This Idempotency-Key came with another request before. Use a new one for each new request.",
    parameter: "Idempotency-Key",
  },
  operations_one_live: {
    code: "OperationInProgress",
    message: "Another operation on it is in progress. Wait until it has ended, then try again.",
  },
  istiod_clusters_capacity: {
    code: "NoPlacement",
    message: "Others took the capacity while a place was being chosen. Try again.",
  },
};

/** Turns a fact that the database enforces, or that it can't answer, into what the contract calls it; other errors are returned as they are. */
export function translateRefusal(error: unknown): unknown {
  const refusal = refusals[describeDatabaseError(error)?.constraint ?? ""];
  if (refusal === undefined || error instanceof DomainError) return translateOutage(error);
  const { code, message, parameter } = refusal;
  return new DomainError(code, message, { cause: error, ...(parameter === undefined ? {} : { parameter }) });
}
