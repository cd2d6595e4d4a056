import { translateOutage } from "@pilothouse/core";
import { RateLimitError } from "./authenticate.ts";
import type { Service } from "./service.ts";

/**
 * Counts a try of somebody who has proven something already: a session, or the text of an invitation that holds. Bounds guesses, and what hashing costs.
 * @throws RateLimitError; DomainError Unavailable, TookTooLong
 */
export async function requireTries({ signInLimit }: Pick<Service, "signInLimit">, what: string): Promise<void> {
  const waitSeconds = await signInLimit.countProven(what).catch((error: unknown) => {
    throw translateOutage(error);
  });
  if (waitSeconds > 0) throw new RateLimitError(waitSeconds);
}
