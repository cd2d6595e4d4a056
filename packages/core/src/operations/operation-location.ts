import { apiPrefix, fillPath, operations } from "@pilothouse/contract";

/** Path where an operation is read. */
export function locateOperation(tenant: string, operation: string): string {
  return apiPrefix + fillPath(operations.getOperation.path, { tenant, operation });
}
