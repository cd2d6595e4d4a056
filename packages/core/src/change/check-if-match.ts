import { DomainError } from "../errors.ts";
import { formatEtag } from "../request-context.ts";

/**
 * Checks an If-Match header against an object's generation, by strong comparison (RFC 9110, 13.1.1).
 * @param ifMatch as it came: `*`, or a list of ETags
 * @throws DomainError PreconditionFailed
 */
export function checkIfMatch(ifMatch: string | undefined, generation: number): void {
  if (ifMatch === undefined || ifMatch.trim() === "*") return;
  const tags = ifMatch.split(",").map((tag) => tag.trim());
  if (tags.includes(formatEtag(generation))) return;
  throw new DomainError(
    "PreconditionFailed",
    `It has changed since it was read: its ETag is ${formatEtag(generation)} now. Read it again, then decide anew.`,
    { parameter: "If-Match" },
  );
}

/** The same for changes that must say what they were based on. @throws DomainError PreconditionRequired when they don't */
export function requireIfMatch(ifMatch: string | undefined, generation: number): void {
  if (ifMatch === undefined) {
    throw new DomainError("PreconditionRequired", "Send If-Match with the ETag that the object was read with.", {
      parameter: "If-Match",
    });
  }
  checkIfMatch(ifMatch, generation);
}
