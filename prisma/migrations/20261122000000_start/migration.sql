-- The start: tables as in schema.prisma, and what Prisma has no words for. Roles pilothouse_web and pilothouse_worker exist already
-- (packages/core/src/database/ensure-database.ts makes them); whoever runs this owns the tables.

CREATE TABLE tenants (
  id uuid NOT NULL,
  CONSTRAINT tenants_pkey PRIMARY KEY (id),
  name text NOT NULL,
  display_name text NOT NULL,
  clusters_limit integer,
  control_planes_limit integer,
  revisions_limit integer,
  api_keys_limit integer,
  generation integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX tenants_name_key ON tenants (name);

CREATE TABLE users (
  id uuid NOT NULL,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  email text NOT NULL,
  password_hash text,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX users_email_key ON users (email);

CREATE TABLE memberships (
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  role text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT memberships_pkey PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE api_keys (
  id uuid NOT NULL,
  CONSTRAINT api_keys_pkey PRIMARY KEY (id),
  tenant_id uuid,
  name text NOT NULL,
  role text NOT NULL,
  prefix text NOT NULL,
  hash bytea NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at timestamptz(3),
  revoked_at timestamptz(3)
);
CREATE UNIQUE INDEX api_keys_hash_key ON api_keys (hash);
CREATE INDEX api_keys_tenant_id_idx ON api_keys (tenant_id);

CREATE TABLE regions (
  name text NOT NULL,
  CONSTRAINT regions_pkey PRIMARY KEY (name),
  display_name text NOT NULL,
  latitude double precision,
  longitude double precision,
  generation integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE seeds (
  name text NOT NULL,
  CONSTRAINT seeds_pkey PRIMARY KEY (name),
  region text NOT NULL,
  zones text[],
  provider text NOT NULL,
  generation integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE version_lines (
  name text NOT NULL,
  CONSTRAINT version_lines_pkey PRIMARY KEY (name),
  state text NOT NULL DEFAULT 'supported',
  end_of_support date,
  generation integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE versions (
  name text NOT NULL,
  CONSTRAINT versions_pkey PRIMARY KEY (name),
  line text NOT NULL,
  state text NOT NULL DEFAULT 'available',
  charts jsonb NOT NULL,
  image jsonb NOT NULL,
  generation integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX versions_name_line_key ON versions (name, line);

CREATE TABLE istiod_clusters (
  name text NOT NULL,
  CONSTRAINT istiod_clusters_pkey PRIMARY KEY (name),
  region text NOT NULL,
  zones text[],
  line text NOT NULL,
  edge_addresses text[],
  schedulable boolean NOT NULL DEFAULT true,
  capacity_slots integer NOT NULL,
  capacity_cpu_milli integer NOT NULL,
  capacity_memory_mib integer NOT NULL,
  reserved_slots integer NOT NULL DEFAULT 0,
  reserved_cpu_milli integer NOT NULL DEFAULT 0,
  reserved_memory_mib integer NOT NULL DEFAULT 0,
  healthy boolean,
  health_message text,
  health_since timestamptz(3),
  generation integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX istiod_clusters_name_line_key ON istiod_clusters (name, line);

CREATE TABLE mesh_clusters (
  id uuid NOT NULL,
  CONSTRAINT mesh_clusters_pkey PRIMARY KEY (id),
  tenant_id uuid NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  seed text,
  server text,
  certificate_authority text,
  tls_server_name text,
  cluster_uid text,
  kubernetes_version text,
  token_issued_at timestamptz(3),
  token_expires_at timestamptz(3),
  generation integer NOT NULL DEFAULT 1,
  observed_generation integer NOT NULL DEFAULT 0,
  deletion_requested_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX mesh_clusters_tenant_id_name_key ON mesh_clusters (tenant_id, name);
CREATE UNIQUE INDEX mesh_clusters_tenant_id_id_key ON mesh_clusters (tenant_id, id);

CREATE TABLE control_planes (
  id uuid NOT NULL,
  CONSTRAINT control_planes_pkey PRIMARY KEY (id),
  tenant_id uuid NOT NULL,
  name text NOT NULL,
  cluster_id uuid NOT NULL,
  version text NOT NULL,
  replicas integer NOT NULL DEFAULT 1,
  generation integer NOT NULL DEFAULT 1,
  deletion_requested_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX control_planes_tenant_id_name_key ON control_planes (tenant_id, name);
CREATE UNIQUE INDEX control_planes_tenant_id_id_key ON control_planes (tenant_id, id);
CREATE INDEX control_planes_tenant_id_created_at_id_idx ON control_planes (tenant_id, created_at, id);

CREATE TABLE revisions (
  id text NOT NULL,
  CONSTRAINT revisions_pkey PRIMARY KEY (id),
  tenant_id uuid NOT NULL,
  control_plane_id uuid NOT NULL,
  version text NOT NULL,
  line text NOT NULL,
  istiod_cluster text NOT NULL,
  namespace text NOT NULL,
  hostname text NOT NULL,
  replicas integer NOT NULL DEFAULT 1,
  cpu_milli integer NOT NULL,
  memory_mib integer NOT NULL,
  placement jsonb NOT NULL,
  generation integer NOT NULL DEFAULT 1,
  observed_generation integer NOT NULL DEFAULT 0,
  observed jsonb,
  credential_issued_at timestamptz(3),
  credential_expires_at timestamptz(3),
  ready_at timestamptz(3),
  give_up_at timestamptz(3),
  deletion_requested_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX revisions_hostname_key ON revisions (hostname);
CREATE INDEX revisions_tenant_id_idx ON revisions (tenant_id);
CREATE INDEX revisions_control_plane_id_idx ON revisions (control_plane_id);
CREATE INDEX revisions_istiod_cluster_idx ON revisions (istiod_cluster);

CREATE TABLE operations (
  id uuid NOT NULL,
  CONSTRAINT operations_pkey PRIMARY KEY (id),
  tenant_id uuid NOT NULL,
  kind text NOT NULL,
  object_kind text NOT NULL,
  object_id text NOT NULL,
  object_name text NOT NULL,
  state text NOT NULL DEFAULT 'running',
  generation integer NOT NULL,
  reason text,
  message text,
  requested_by text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  started_at timestamptz(3),
  finished_at timestamptz(3)
);
CREATE UNIQUE INDEX operations_tenant_id_id_key ON operations (tenant_id, id);
CREATE INDEX operations_tenant_id_created_at_id_idx ON operations (tenant_id, created_at, id);

CREATE TABLE operation_steps (
  operation_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  name text NOT NULL,
  position integer NOT NULL,
  finished_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT operation_steps_pkey PRIMARY KEY (operation_id, name)
);

CREATE TABLE conditions (
  tenant_id uuid NOT NULL,
  object_kind text NOT NULL,
  object_id text NOT NULL,
  type text NOT NULL,
  status text NOT NULL,
  reason text NOT NULL,
  message text NOT NULL,
  observed_generation integer NOT NULL,
  last_transition_at timestamptz(3) NOT NULL,
  last_known jsonb,
  CONSTRAINT conditions_pkey PRIMARY KEY (object_kind, object_id, type)
);
CREATE INDEX conditions_tenant_id_idx ON conditions (tenant_id);

CREATE TABLE events (
  id bigserial NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (id),
  xid bigint NOT NULL DEFAULT (pg_current_xact_id())::text::bigint,
  tenant_id uuid NOT NULL,
  type text NOT NULL,
  object_kind text NOT NULL,
  object_id text NOT NULL,
  object_name text NOT NULL,
  reason text,
  message text,
  at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX events_tenant_id_xid_id_idx ON events (tenant_id, xid, id);

CREATE TABLE audit_entries (
  id uuid NOT NULL,
  CONSTRAINT audit_entries_pkey PRIMARY KEY (id),
  tenant_id uuid,
  actor text NOT NULL,
  verb text NOT NULL,
  object_kind text NOT NULL,
  object_id text NOT NULL,
  object_name text NOT NULL,
  request_id text NOT NULL,
  details jsonb,
  at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX audit_entries_tenant_id_at_idx ON audit_entries (tenant_id, at);

CREATE TABLE idempotency_keys (
  api_key_id uuid NOT NULL,
  key text NOT NULL,
  tenant_id uuid,
  request_hash bytea NOT NULL,
  status integer NOT NULL,
  location text,
  etag text,
  -- Not jsonb, which would put its members into another order: a repetition is answered to the letter.
  body json NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (api_key_id, key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

CREATE TABLE sealed_secrets (
  id uuid NOT NULL,
  CONSTRAINT sealed_secrets_pkey PRIMARY KEY (id),
  tenant_id uuid,
  purpose text NOT NULL,
  object_kind text NOT NULL,
  object_id text NOT NULL,
  key_id uuid NOT NULL,
  ciphertext bytea NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at timestamptz(3)
);
CREATE INDEX sealed_secrets_object_kind_object_id_purpose_idx ON sealed_secrets (object_kind, object_id, purpose);
CREATE INDEX sealed_secrets_key_id_id_idx ON sealed_secrets (key_id, id);
CREATE INDEX sealed_secrets_expires_at_idx ON sealed_secrets (expires_at);

CREATE TABLE sealing_keys (
  id uuid NOT NULL,
  CONSTRAINT sealing_keys_pkey PRIMARY KEY (id),
  public_key bytea NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  retired_at timestamptz(3)
);

CREATE TABLE work_items (
  kind text NOT NULL,
  object_id text NOT NULL,
  tenant_id uuid NOT NULL,
  shard text NOT NULL DEFAULT '',
  next_reconcile_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  wakes bigint NOT NULL DEFAULT 0,
  lease_holder text,
  lease_until timestamptz(3),
  fence bigint NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  CONSTRAINT work_items_pkey PRIMARY KEY (kind, object_id)
);
CREATE INDEX work_items_next_reconcile_at_idx ON work_items (next_reconcile_at);

ALTER TABLE seeds ADD CONSTRAINT seeds_region_fkey FOREIGN KEY (region) REFERENCES regions (name) ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE versions ADD CONSTRAINT versions_line_fkey FOREIGN KEY (line) REFERENCES version_lines (name) ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE istiod_clusters ADD CONSTRAINT istiod_clusters_region_fkey FOREIGN KEY (region) REFERENCES regions (name) ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE istiod_clusters ADD CONSTRAINT istiod_clusters_line_fkey FOREIGN KEY (line) REFERENCES version_lines (name) ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE mesh_clusters ADD CONSTRAINT mesh_clusters_seed_fkey FOREIGN KEY (seed) REFERENCES seeds (name) ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE control_planes ADD CONSTRAINT control_planes_tenant_id_cluster_id_fkey FOREIGN KEY (tenant_id, cluster_id) REFERENCES mesh_clusters (tenant_id, id) ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE revisions ADD CONSTRAINT revisions_tenant_id_control_plane_id_fkey FOREIGN KEY (tenant_id, control_plane_id) REFERENCES control_planes (tenant_id, id) ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE revisions ADD CONSTRAINT revisions_version_line_fkey FOREIGN KEY (version, line) REFERENCES versions (name, line) ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE revisions ADD CONSTRAINT revisions_istiod_cluster_line_fkey FOREIGN KEY (istiod_cluster, line) REFERENCES istiod_clusters (name, line) ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE operation_steps ADD CONSTRAINT operation_steps_tenant_id_operation_id_fkey FOREIGN KEY (tenant_id, operation_id) REFERENCES operations (tenant_id, id) ON DELETE CASCADE ON UPDATE RESTRICT;
ALTER TABLE sealed_secrets ADD CONSTRAINT sealed_secrets_key_id_fkey FOREIGN KEY (key_id) REFERENCES sealing_keys (id) ON DELETE RESTRICT ON UPDATE RESTRICT;

-- Tenants own what names them.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['memberships', 'api_keys', 'mesh_clusters', 'control_planes', 'revisions', 'operations', 'conditions', 'events',
    'audit_entries', 'idempotency_keys', 'sealed_secrets', 'work_items'] LOOP
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT', t, t || '_tenant_fkey');
  END LOOP;
END $$;
ALTER TABLE memberships ADD CONSTRAINT memberships_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;

-- Words that columns may hold.
ALTER TABLE memberships ADD CONSTRAINT memberships_role CHECK (role IN ('owner', 'admin', 'operator', 'viewer'));
ALTER TABLE api_keys ADD CONSTRAINT api_keys_role CHECK ((tenant_id IS NULL) = (role = 'platform') AND role IN ('owner', 'admin', 'operator', 'viewer', 'platform'));
ALTER TABLE version_lines ADD CONSTRAINT version_lines_name CHECK (name ~ '^[0-9]+\.[0-9]+$');
ALTER TABLE version_lines ADD CONSTRAINT version_lines_state CHECK (state IN ('supported', 'deprecated', 'retired'));
ALTER TABLE versions ADD CONSTRAINT versions_state CHECK (state IN ('available', 'withdrawn'));
ALTER TABLE versions ADD CONSTRAINT versions_of_line CHECK (name = line OR starts_with(name, line || '.') OR starts_with(name, line || '-'));
ALTER TABLE mesh_clusters ADD CONSTRAINT mesh_clusters_kind CHECK (kind IN ('gardener', 'managed', 'standalone'));
ALTER TABLE operations ADD CONSTRAINT operations_state CHECK (state IN ('running', 'succeeded', 'failed', 'superseded') AND (state = 'running') = (finished_at IS NULL));
ALTER TABLE conditions ADD CONSTRAINT conditions_status CHECK (status IN ('True', 'False', 'Unknown'));
ALTER TABLE work_items ADD CONSTRAINT work_items_kind CHECK (kind IN ('cluster', 'revision', 'sentinel'));
ALTER TABLE control_planes ADD CONSTRAINT control_planes_replicas CHECK (replicas BETWEEN 1 AND 5);
ALTER TABLE revisions ADD CONSTRAINT revisions_replicas CHECK (replicas BETWEEN 1 AND 5);
ALTER TABLE revisions ADD CONSTRAINT revisions_id CHECK (id ~ '^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$' AND namespace = id);
ALTER TABLE istiod_clusters ADD CONSTRAINT istiod_clusters_reserved CHECK (reserved_slots >= 0 AND reserved_cpu_milli >= 0 AND reserved_memory_mib >= 0);

-- Capacity is never over-reserved: placing takes it, and the loser of a race for the last of it fails here.
ALTER TABLE istiod_clusters ADD CONSTRAINT istiod_clusters_capacity CHECK (
  reserved_slots <= capacity_slots AND reserved_cpu_milli <= capacity_cpu_milli AND reserved_memory_mib <= capacity_memory_mib
);
CREATE FUNCTION reserve_capacity() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    UPDATE istiod_clusters SET reserved_slots = reserved_slots - 1, reserved_cpu_milli = reserved_cpu_milli - OLD.cpu_milli,
      reserved_memory_mib = reserved_memory_mib - OLD.memory_mib WHERE name = OLD.istiod_cluster;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    UPDATE istiod_clusters SET reserved_slots = reserved_slots + 1, reserved_cpu_milli = reserved_cpu_milli + NEW.cpu_milli,
      reserved_memory_mib = reserved_memory_mib + NEW.memory_mib WHERE name = NEW.istiod_cluster;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER revisions_reserve AFTER INSERT OR DELETE OR UPDATE OF istiod_cluster, cpu_milli, memory_mib ON revisions
  FOR EACH ROW EXECUTE FUNCTION reserve_capacity();

-- At most one change at a time on an object.
CREATE UNIQUE INDEX operations_one_live ON operations (object_kind, object_id) WHERE finished_at IS NULL;
-- One cluster is connected once, by whatever name and address.
CREATE UNIQUE INDEX mesh_clusters_one_connection ON mesh_clusters (cluster_uid) WHERE cluster_uid IS NOT NULL;


-- A retired key is sealed to no more. Whoever chose one just before it was retired begins anew, and finds another: as after a lost race.
CREATE FUNCTION refuse_retired_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE since timestamptz;
BEGIN
  -- Held to the end of the transaction: whoever retires the key waits for it, and then finds what is sealed here.
  SELECT retired_at INTO since FROM sealing_keys WHERE id = NEW.key_id FOR SHARE;
  IF since IS NOT NULL THEN
    RAISE EXCEPTION 'sealing key % is retired; seal to the newest one', NEW.key_id USING ERRCODE = 'serialization_failure';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER sealed_secrets_key BEFORE INSERT OR UPDATE OF key_id ON sealed_secrets FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();

-- Names lead to an istiod cluster's edge: where that moves, the revisions there are looked at now, not with their next look an hour later.
CREATE FUNCTION follow_edge() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE work_items w SET next_reconcile_at = clock_timestamp(), wakes = w.wakes + 1
  FROM revisions r WHERE r.istiod_cluster = NEW.name AND w.kind = 'revision' AND w.object_id = r.id;
  RETURN NULL;
END $$;
CREATE TRIGGER istiod_clusters_follow_edge AFTER UPDATE OF edge_addresses ON istiod_clusters
  FOR EACH ROW WHEN (NEW.edge_addresses IS DISTINCT FROM OLD.edge_addresses) EXECUTE FUNCTION follow_edge();

-- Whoever listens is told that there is something new, and reads it under its own rights.
CREATE FUNCTION notify_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('pilothouse_events', NEW.tenant_id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER events_notify AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION notify_event();
-- A revoked key ends its streams at once.
CREATE FUNCTION notify_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN PERFORM pg_notify('pilothouse_keys', NEW.id::text); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER api_keys_notify AFTER UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION notify_key();

-- Who acts is set per transaction: a tenant, or the platform for what belongs to no tenant.
CREATE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('pilothouse.tenant', true), '')::uuid $$;
CREATE FUNCTION is_platform() RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT coalesce(current_setting('pilothouse.platform', true), '') = 'on' $$;

-- The one look at keys before it is known who asks. Answers nothing for keys that are revoked or over.
CREATE FUNCTION authenticate_api_key(presented bytea) RETURNS TABLE (id uuid, tenant_id uuid, tenant_name text, role text, expires_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT k.id, k.tenant_id, t.name, k.role, k.expires_at FROM api_keys k LEFT JOIN tenants t ON t.id = k.tenant_id
  WHERE k.hash = presented AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
$$;
REVOKE ALL ON FUNCTION authenticate_api_key(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authenticate_api_key(bytea) TO pilothouse_web;

-- How much a tenant has of what is limited: the tenant may know it, and the platform, which sees none of the rows themselves.
CREATE FUNCTION count_tenant_use(wanted uuid[]) RETURNS TABLE (id uuid, clusters integer, control_planes integer, revisions integer, api_keys integer)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.id, (SELECT count(*)::integer FROM mesh_clusters c WHERE c.tenant_id = t.id),
    (SELECT count(*)::integer FROM control_planes p WHERE p.tenant_id = t.id),
    (SELECT count(*)::integer FROM revisions r WHERE r.tenant_id = t.id),
    (SELECT count(*)::integer FROM api_keys k WHERE k.tenant_id = t.id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()))
  FROM tenants t WHERE t.id = ANY (wanted) AND (t.id = current_tenant() OR is_platform())
$$;
REVOKE ALL ON FUNCTION count_tenant_use(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_tenant_use(uuid[]) TO pilothouse_web;

-- What was sealed for a time goes when that is over, whichever process runs; the web role may erase nothing else of what is sealed.
CREATE FUNCTION erase_expired_secrets() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE erased integer;
BEGIN
  DELETE FROM sealed_secrets WHERE expires_at <= now();
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END $$;
REVOKE ALL ON FUNCTION erase_expired_secrets() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_expired_secrets() TO pilothouse_web, pilothouse_worker;

-- Row-level security on every table that names a tenant; forced, so that the owner's functions obey it too.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['tenants', 'users', 'memberships', 'api_keys', 'mesh_clusters', 'control_planes', 'revisions', 'operations', 'operation_steps',
    'conditions', 'events', 'audit_entries', 'idempotency_keys', 'sealed_secrets', 'work_items'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['memberships', 'mesh_clusters', 'control_planes', 'revisions', 'operations', 'operation_steps', 'conditions', 'events', 'work_items'] LOOP
    EXECUTE format('CREATE POLICY web_tenant ON %I TO pilothouse_web USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant())', t);
  END LOOP;
  -- What may belong to the platform itself.
  FOREACH t IN ARRAY ARRAY['api_keys', 'audit_entries', 'idempotency_keys', 'sealed_secrets'] LOOP
    EXECUTE format('CREATE POLICY web_tenant ON %I TO pilothouse_web USING (tenant_id = current_tenant() OR (tenant_id IS NULL AND is_platform()))
      WITH CHECK (tenant_id = current_tenant() OR (tenant_id IS NULL AND is_platform()))', t);
  END LOOP;
  -- A worker acts for every tenant, on the tables it is granted below and no others.
  FOREACH t IN ARRAY ARRAY['tenants', 'mesh_clusters', 'control_planes', 'revisions', 'operations', 'operation_steps', 'conditions', 'events', 'sealed_secrets',
    'work_items', 'audit_entries', 'idempotency_keys'] LOOP
    EXECUTE format('CREATE POLICY worker_all ON %I TO pilothouse_worker USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;
CREATE POLICY web_tenant ON tenants TO pilothouse_web USING (id = current_tenant() OR is_platform()) WITH CHECK (is_platform());
CREATE POLICY web_member ON users TO pilothouse_web USING (
  EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id AND m.tenant_id = current_tenant())
);

-- Least rights. What is not named here is refused.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO pilothouse_web, pilothouse_worker;
GRANT SELECT ON regions, seeds, version_lines, versions, istiod_clusters, sealing_keys TO pilothouse_web, pilothouse_worker;

GRANT SELECT, INSERT, UPDATE ON tenants TO pilothouse_web;
GRANT SELECT ON users TO pilothouse_web;
GRANT SELECT ON memberships TO pilothouse_web;
GRANT SELECT (id, tenant_id, name, role, prefix, created_at, expires_at, revoked_at), INSERT, UPDATE (revoked_at) ON api_keys TO pilothouse_web;
GRANT INSERT, UPDATE, DELETE ON regions, seeds, version_lines, versions TO pilothouse_web;
GRANT INSERT (name, region, zones, line, edge_addresses, schedulable, capacity_slots, capacity_cpu_milli, capacity_memory_mib),
  UPDATE (zones, edge_addresses, schedulable, capacity_slots, capacity_cpu_milli, capacity_memory_mib, generation), DELETE ON istiod_clusters TO pilothouse_web;
GRANT SELECT, INSERT, UPDATE ON mesh_clusters, control_planes, revisions, operations, work_items TO pilothouse_web;
GRANT SELECT ON operation_steps, conditions TO pilothouse_web;
GRANT SELECT, INSERT ON events, audit_entries, idempotency_keys TO pilothouse_web;
-- Sealed by whoever receives it, opened by workers alone.
GRANT SELECT (id, tenant_id, purpose, object_kind, object_id, key_id, created_at, expires_at), INSERT ON sealed_secrets TO pilothouse_web;

GRANT SELECT ON tenants TO pilothouse_worker;
GRANT UPDATE (healthy, health_message, health_since) ON istiod_clusters TO pilothouse_worker;
GRANT SELECT, UPDATE, DELETE ON mesh_clusters, control_planes, revisions, operations TO pilothouse_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON operation_steps, conditions, work_items, sealed_secrets TO pilothouse_worker;
GRANT SELECT, INSERT, DELETE ON events TO pilothouse_worker;
GRANT INSERT ON audit_entries TO pilothouse_worker;
GRANT SELECT (api_key_id, key, created_at), DELETE ON idempotency_keys TO pilothouse_worker;
GRANT INSERT, UPDATE (retired_at) ON sealing_keys TO pilothouse_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO pilothouse_web, pilothouse_worker;
