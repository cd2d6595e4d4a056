/** A refusal of a simulated API server, in the form of Kubernetes' Status. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.reason = reason;
  }
}

/** `roles.rbac.authorization.k8s.io` as messages name a resource. */
export const nameResource = (group: string, resource: string): string =>
  group === "" ? resource : `${resource}.${group}`;

export const createNotFound = (group: string, resource: string, name: string): ApiError =>
  new ApiError(404, "NotFound", `${nameResource(group, resource)} "${name}" not found`);

/** The body of a refusal. */
export function describeError(error: ApiError): Record<string, unknown> {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: error.message,
    reason: error.reason,
    code: error.status,
  };
}
