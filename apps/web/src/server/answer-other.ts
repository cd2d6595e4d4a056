import { allOperations, apiPrefix } from "@pilothouse/contract";
import { DomainError } from "@pilothouse/core";
import { answerError, commonHeaders } from "./answer-problem.ts";
import { readRequestId } from "./route.ts";

/** Paths beside the contract's: for those who run the service. */
const probes = ["/healthz", "/readyz"];

/** Methods that there are for a path; none when nothing is there. */
export function listMethods(pathname: string): string[] {
  if (probes.includes(pathname)) return ["GET"];
  const parts = pathname.replace(/\/$/, "").split("/");
  const methods = allOperations.filter(({ path }) => {
    const pattern = `${apiPrefix}${path}`.split("/");
    return (
      pattern.length === parts.length &&
      pattern.every((part, index) => (part.startsWith("{") ? parts[index] !== "" : part === parts[index]))
    );
  });
  return methods.map(({ method }) => method);
}

/** Answers what no operation is bound to: OPTIONS and other methods with those that there are, or 404. */
export async function answerOther(request: Request): Promise<Response> {
  const requestId = readRequestId(request.headers);
  const methods = listMethods(new URL(request.url).pathname);
  if (methods.length === 0) {
    return answerError(
      new DomainError("NotFound", `There is nothing at this path. ${apiPrefix}/openapi.json lists what there is.`),
      { requestId },
    );
  }
  const allow = [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  if (request.method === "OPTIONS") {
    return new Response(null, { status: 204, headers: { ...commonHeaders(requestId), allow } });
  }
  return answerError(new DomainError("MethodNotAllowed", `This path has ${allow}.`), { requestId, headers: { allow } });
}
