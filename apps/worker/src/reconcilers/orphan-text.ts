import type { JanitorMode } from "../upkeep/janitor.ts";

/** A revision that no row wants, and when it was first told of, in milliseconds since 1970. */
export interface Orphan {
  id: string;
  sinceMs: number;
}

/** What a tenant is told of orphans: each with the time since when, from which `readOrphans` reads it again. */
export function describeOrphans(orphans: readonly Orphan[], janitor: JanitorMode): string {
  const named = orphans.map(({ id, sinceMs }) => `${id} (since ${new Date(sinceMs).toISOString()})`).join(", ");
  const next =
    janitor === "remove"
      ? "Pilothouse removes what it has told of for ten minutes."
      : "Remove them with the commands that their removal gave, or let the provider's worker do it (PILOTHOUSE_JANITOR=remove).";
  return `Webhooks or identities of ${named} are in the cluster, which were removed here while it could not be reached. Webhooks that nobody answers can stop pods. ${next}`;
}

/** The orphans that a text of `describeOrphans` tells of. */
export function readOrphans(text: string): Orphan[] {
  return [...text.matchAll(/([a-z][a-z0-9-]*) \(since (\d{4}-[0-9T:.-]+Z)\)/g)].flatMap(([, id = "", since = ""]) => {
    const sinceMs = Date.parse(since);
    return Number.isNaN(sinceMs) ? [] : [{ id, sinceMs }];
  });
}
