import { createHash } from "node:crypto";
import { authenticateApiKey, type AuthenticatedKey, DomainError } from "@pilothouse/core";
import type { Service } from "./service.ts";

/** A key that holds now. */
export interface Authenticated extends AuthenticatedKey {
  /** Tells whether it still holds. */
  check: () => Promise<boolean>;
}

/** Too many requests, and how long to wait. */
export class RateLimitError extends DomainError {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super("RateLimited", `Too many requests with this API key. Wait ${retryAfterSeconds} s, then go on more slowly.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Finds out whose key came with a request, and counts the request against it, valid or not, before the database is asked.
 * @throws DomainError Unauthenticated, or RateLimitError
 */
export async function authenticate(headers: Headers, service: Service): Promise<Authenticated> {
  const key = /^Bearer +([A-Za-z0-9._~+/=-]{1,200}) *$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (key === undefined) {
    throw new DomainError("Unauthenticated", "Send an API key: Authorization: Bearer <key>.", {
      parameter: "Authorization",
    });
  }
  const waitSeconds = await service.rateLimit.count(createHash("sha256").update(key).digest("base64"));
  if (waitSeconds > 0) throw new RateLimitError(waitSeconds);
  const found = await authenticateApiKey(service.database, key);
  if (found === undefined) {
    throw new DomainError("Unauthenticated", "This API key does not exist, was revoked, or has expired.", {
      parameter: "Authorization",
    });
  }
  return { ...found, check: async () => (await authenticateApiKey(service.database, key)) !== undefined };
}
