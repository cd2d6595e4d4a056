import { connectDatabase } from "@pilothouse/core";
import type { Service } from "../service.ts";

/** When a tenant's first cluster was connected, in hours before now: not longer ago than events are kept. */
const firstHours = 461;
/** Between one cluster and the next, and between a cluster and its control plane. */
const stepHours = 73;
const laterHours = 1.4;
/** Of the provider's own things, in hours. */
const providerHours = 600;
/** Age of the oldest credential, in hours, short of its renewal; each further one is younger. */
const credentialHours = 9;

/**
 * Puts what has been made in the last minute into the last weeks, as if tenants had come by bit by bit: who looks at a page sees ages as they are in
 * use. What workers see next is as new as it is.
 */
export async function writePastLives(service: Service): Promise<void> {
  const database = connectDatabase(service.databaseUrls.migrator, 1);
  try {
    await database.$executeRawUnsafe(
      `WITH clusters AS (
         SELECT id, row_number() OVER (PARTITION BY tenant_id ORDER BY name DESC) - 1 AS place FROM mesh_clusters
       ), aged AS (
         SELECT c.id, place, make_interval(secs => ($1::float - $2::float * place) * 3600 + 131 * place) AS age FROM clusters c
       ), planes AS (
         SELECT p.id, a.place, a.age - make_interval(secs => $3::float * 3600) AS age FROM control_planes p JOIN aged a ON a.id = p.cluster_id
       ), revised AS (
         SELECT r.id, p.place, p.age FROM revisions r JOIN planes p ON p.id = r.control_plane_id
       ), objects AS (
         SELECT id::text, age FROM aged UNION ALL SELECT id::text, age FROM planes UNION ALL SELECT id, age FROM revised
       ), asked AS (
         SELECT o.id, age FROM operations o JOIN objects x ON x.id = o.object_id
       ), everything AS (
         SELECT id, age FROM objects UNION ALL SELECT id::text, age FROM asked
       ), moved_clusters AS (
         UPDATE mesh_clusters t SET created_at = created_at - age,
           token_issued_at = token_issued_at - make_interval(mins => (($4::float - place) * 60)::int),
           token_expires_at = token_expires_at - make_interval(mins => (($4::float - place) * 60)::int)
         FROM aged x WHERE x.id = t.id
       ), moved_planes AS (
         UPDATE control_planes t SET created_at = created_at - age FROM planes x WHERE x.id = t.id
       ), moved_revisions AS (
         UPDATE revisions t SET created_at = created_at - age, ready_at = ready_at - age,
           credential_issued_at = credential_issued_at - make_interval(mins => (($4::float - place) * 54)::int),
           credential_expires_at = credential_expires_at - make_interval(mins => (($4::float - place) * 54)::int)
         FROM revised x WHERE x.id = t.id
       ), moved_operations AS (
         UPDATE operations t SET created_at = created_at - age, started_at = started_at - age, finished_at = finished_at - age
         FROM asked x WHERE x.id = t.id
       ), moved_steps AS (
         UPDATE operation_steps t SET finished_at = finished_at - age FROM asked x WHERE x.id = t.operation_id
       ), moved_conditions AS (
         UPDATE conditions t SET last_transition_at = last_transition_at - age FROM everything x WHERE x.id = t.object_id
       ), moved_events AS (
         UPDATE events t SET at = at - age FROM everything x WHERE x.id = t.object_id
       )
       UPDATE audit_entries t SET at = at - age FROM everything x WHERE x.id = t.object_id`,
      firstHours,
      stepHours,
      laterHours,
      credentialHours,
    );
    for (const table of ["tenants", "users", "memberships", "api_keys", "regions", "seeds", "istiod_clusters"]) {
      await database.$executeRawUnsafe(
        `UPDATE ${table} SET created_at = created_at - make_interval(hours => $1::int)`,
        providerHours,
      );
    }
    await database.$executeRawUnsafe(
      "UPDATE istiod_clusters SET health_since = health_since - make_interval(hours => $1::int)",
      providerHours,
    );
  } finally {
    await database.$disconnect();
  }
}
