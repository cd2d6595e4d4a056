import { type Database, loadRevision, type RevisionWork } from "@pilothouse/core";

/**
 * Whether a mesh cluster refused a token of Pilothouse's that was replaced while a look used it. Such a refusal says nothing of the revision: the
 * next look has the new token, which is stored before the old one is revoked.
 * @param codes what the look saw or failed with
 */
export async function isTokenReplaced(
  database: Database,
  work: RevisionWork,
  codes: readonly string[],
): Promise<boolean> {
  if (work.mesh === null || !codes.includes("Unauthorized")) return false;
  const now = await loadRevision(database, work.id);
  return now?.mesh?.token.binding.id !== work.mesh.token.binding.id;
}
