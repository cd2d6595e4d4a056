-- What operators see of all tenants: by functions that answer nothing but what is named in them, and only to the platform.

CREATE TABLE usage_samples (
  istiod_cluster text NOT NULL,
  at timestamptz(3) NOT NULL,
  CONSTRAINT usage_samples_pkey PRIMARY KEY (istiod_cluster, at),
  capacity_slots integer NOT NULL,
  capacity_cpu_milli integer NOT NULL,
  capacity_memory_mib integer NOT NULL,
  reserved_slots integer NOT NULL,
  reserved_cpu_milli integer NOT NULL,
  reserved_memory_mib integer NOT NULL,
  used_slots integer NOT NULL,
  used_cpu_milli integer,
  used_memory_mib integer,
  proxies integer
);
CREATE INDEX usage_samples_at_idx ON usage_samples (at);

-- What istiods said of themselves when they were last asked: nothing that is missed when it is lost, so it is not logged ahead.
CREATE UNLOGGED TABLE istiod_loads (
  revision_id text NOT NULL,
  CONSTRAINT istiod_loads_pkey PRIMARY KEY (revision_id),
  proxies integer NOT NULL,
  cpu_milli integer,
  memory_mib integer,
  at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE worker_reports (
  id text NOT NULL,
  CONSTRAINT worker_reports_pkey PRIMARY KEY (id),
  started_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  reported_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  report jsonb NOT NULL
);

ALTER TABLE usage_samples ADD CONSTRAINT usage_samples_istiod_cluster_fkey FOREIGN KEY (istiod_cluster) REFERENCES istiod_clusters (name) ON DELETE CASCADE ON UPDATE RESTRICT;

-- Events in the order of all tenants together.
CREATE INDEX events_xid_id_idx ON events (xid, id);
CREATE INDEX operations_live_idx ON operations (created_at) WHERE finished_at IS NULL;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['usage_samples', 'istiod_loads', 'worker_reports'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('CREATE POLICY worker_all ON %I TO pilothouse_worker USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;
CREATE POLICY web_platform ON usage_samples FOR SELECT TO pilothouse_web USING (is_platform());
CREATE POLICY web_platform ON worker_reports FOR SELECT TO pilothouse_web USING (is_platform());
GRANT SELECT ON usage_samples, worker_reports TO pilothouse_web;
GRANT SELECT, INSERT, DELETE ON usage_samples TO pilothouse_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON istiod_loads, worker_reports TO pilothouse_worker;

-- How many revisions there are of each version.
CREATE FUNCTION count_revisions() RETURNS TABLE (version text, line text, revisions integer)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT r.version, r.line, count(*)::integer FROM revisions r WHERE is_platform() GROUP BY r.version, r.line
$$;

-- Control planes of all tenants behind a position, by tenant and name: all, or those that are wanted.
CREATE FUNCTION list_fleet_control_planes(after_tenant text, after_name text, most integer, wanted uuid[], with_placement boolean) RETURNS TABLE (
    id uuid, tenant text, name text, cluster text, seed text, seed_region text, version text, replicas integer, generation integer,
    deletion_requested_at timestamptz, created_at timestamptz, operation jsonb, revisions jsonb)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT p.id, t.name, p.name, c.name, c.seed, s.region, p.version, p.replicas, p.generation, p.deletion_requested_at, p.created_at,
    (SELECT jsonb_build_object('id', o.id, 'kind', o.kind, 'reason', o.reason, 'createdAt', to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      FROM operations o WHERE o.object_kind = 'control-plane' AND o.object_id = p.id::text AND o.finished_at IS NULL),
    (SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'version', r.version, 'line', r.line, 'istiodCluster', r.istiod_cluster, 'region', i.region,
        'replicas', r.replicas, 'cpuMilli', r.cpu_milli, 'memoryMib', r.memory_mib, 'observedGeneration', r.observed_generation,
        'proxies', (r.observed -> 'proxies' -> 'connected'), 'placement', CASE WHEN with_placement THEN r.placement END,
        'readyAt', to_char(r.ready_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'createdAt', to_char(r.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY r.created_at DESC, r.id DESC), '[]'::jsonb)
      FROM revisions r JOIN istiod_clusters i ON i.name = r.istiod_cluster WHERE r.control_plane_id = p.id)
  FROM control_planes p JOIN tenants t ON t.id = p.tenant_id JOIN mesh_clusters c ON c.id = p.cluster_id LEFT JOIN seeds s ON s.name = c.seed
  WHERE is_platform() AND (wanted IS NULL OR p.id = ANY (wanted)) AND (after_tenant IS NULL OR (t.name, p.name) > (after_tenant, after_name))
  ORDER BY t.name, p.name LIMIT most
$$;

-- Conditions of revisions, of one type or of all.
CREATE FUNCTION list_fleet_conditions(wanted text[], only_type text) RETURNS SETOF conditions
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.* FROM conditions c WHERE is_platform() AND c.object_kind = 'revision' AND c.object_id = ANY (wanted) AND (only_type IS NULL OR c.type = only_type)
  ORDER BY c.type
$$;

-- That something happened, and to what: not why. Forwards only what no running transaction can still come before.
CREATE FUNCTION read_fleet_events(xid_after bigint, id_after bigint, most integer) RETURNS TABLE (
    xid bigint, id bigint, type text, tenant text, object_kind text, object_id text, object_name text, at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.xid, e.id, e.type, t.name, e.object_kind, e.object_id, e.object_name, e.at FROM events e JOIN tenants t ON t.id = e.tenant_id
  WHERE is_platform() AND (e.xid, e.id) > (xid_after, id_after) AND e.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  ORDER BY e.xid, e.id LIMIT most
$$;
CREATE FUNCTION list_fleet_events(xid_before bigint, id_before bigint, most integer) RETURNS TABLE (
    xid bigint, id bigint, type text, tenant text, object_kind text, object_id text, object_name text, at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.xid, e.id, e.type, t.name, e.object_kind, e.object_id, e.object_name, e.at FROM events e JOIN tenants t ON t.id = e.tenant_id
  WHERE is_platform() AND (e.xid, e.id) < (xid_before, id_before) ORDER BY e.xid DESC, e.id DESC LIMIT most
$$;
-- Whether events behind a position may have been erased: they were if they are older than what is kept, and the last one before the position that is
-- still there is so, too; nothing was when the oldest of all is younger.
CREATE FUNCTION is_fleet_gap(xid_after bigint, id_after bigint, kept interval) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT is_platform() AND coalesce((SELECT e.at < now() - kept FROM events e ORDER BY e.xid, e.id LIMIT 1), false)
    AND coalesce((SELECT e.at < now() - kept FROM events e WHERE (e.xid, e.id) <= (xid_after, id_after) ORDER BY e.xid DESC, e.id DESC LIMIT 1), true)
$$;

-- How much waits, by kind.
CREATE FUNCTION measure_work() RETURNS TABLE (kind text, items integer, due integer, held integer, failing integer, oldest_seconds double precision)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT w.kind, count(*)::integer, count(*) FILTER (WHERE w.is_due)::integer, count(*) FILTER (WHERE w.is_held)::integer,
    count(*) FILTER (WHERE w.failures > 0)::integer, greatest(0, coalesce(max(extract(epoch FROM now() - w.since)) FILTER (WHERE w.is_due), 0))::float8
  FROM (SELECT i.kind, i.failures, greatest(i.next_reconcile_at, i.lease_until) AS since, i.lease_until > now() IS TRUE AS is_held,
      i.next_reconcile_at <= now() AND (i.lease_until IS NULL OR i.lease_until <= now()) AS is_due FROM work_items i WHERE is_platform()) w
  GROUP BY w.kind
$$;
-- Items that wait for longest, or fail most.
CREATE FUNCTION list_fleet_work(only_failing boolean, most integer) RETURNS TABLE (
    kind text, object text, tenant text, istiod_cluster text, due_at timestamptz, failures integer, held_by text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT w.kind, CASE w.kind WHEN 'cluster' THEN coalesce(c.name, w.object_id) ELSE w.object_id END, t.name, nullif(w.shard, ''), w.next_reconcile_at, w.failures,
    CASE WHEN w.lease_until > now() THEN w.lease_holder END
  FROM work_items w JOIN tenants t ON t.id = w.tenant_id LEFT JOIN mesh_clusters c ON w.kind = 'cluster' AND c.id::text = w.object_id
  WHERE is_platform() AND CASE WHEN only_failing THEN w.failures > 0
    ELSE w.next_reconcile_at <= now() AND (w.lease_until IS NULL OR w.lease_until <= now()) END
  ORDER BY CASE WHEN only_failing THEN -w.failures ELSE 0 END, greatest(w.next_reconcile_at, w.lease_until), w.kind, w.object_id LIMIT most
$$;
CREATE FUNCTION list_live_operations(most integer) RETURNS TABLE (id uuid, kind text, tenant text, object text, reason text, created_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT o.id, o.kind, t.name, o.object_name, o.reason, o.created_at FROM operations o JOIN tenants t ON t.id = o.tenant_id
  WHERE is_platform() AND o.finished_at IS NULL ORDER BY o.created_at, o.id LIMIT most
$$;

DO $$
DECLARE f text;
BEGIN
  FOREACH f IN ARRAY ARRAY['count_revisions()', 'list_fleet_control_planes(text, text, integer, uuid[], boolean)', 'list_fleet_conditions(text[], text)',
    'read_fleet_events(bigint, bigint, integer)', 'list_fleet_events(bigint, bigint, integer)', 'is_fleet_gap(bigint, bigint, interval)', 'measure_work()',
    'list_fleet_work(boolean, integer)', 'list_live_operations(integer)'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pilothouse_web', f);
  END LOOP;
END $$;
