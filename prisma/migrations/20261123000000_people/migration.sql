-- People: they sign in with an e-mail address and a password, or by an invitation that is used once.

ALTER TABLE users ADD COLUMN display_name text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN is_operator boolean NOT NULL DEFAULT false;
ALTER TABLE users ADD CONSTRAINT users_email CHECK (email = lower(email) AND length(email) <= 254 AND position('@' IN email) > 1);

CREATE TABLE sessions (
  id uuid NOT NULL,
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  user_id uuid NOT NULL,
  user_agent text NOT NULL DEFAULT '',
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at timestamptz(3) NOT NULL,
  revoked_at timestamptz(3)
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE invitations (
  hash bytea NOT NULL,
  CONSTRAINT invitations_pkey PRIMARY KEY (hash),
  user_id uuid NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at timestamptz(3) NOT NULL
);
CREATE INDEX invitations_user_id_idx ON invitations (user_id);

-- Tries to sign in, counted for all processes together (rate-limiter-flexible's table).
CREATE TABLE sign_in_limits (
  key text NOT NULL,
  CONSTRAINT sign_in_limits_pkey PRIMARY KEY (key),
  points integer NOT NULL DEFAULT 0,
  expire bigint
);

ALTER TABLE sessions ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE RESTRICT;
ALTER TABLE invitations ADD CONSTRAINT invitations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE RESTRICT;

-- Answers kept for repeated requests belong to whoever asked: a key or a person.
ALTER TABLE idempotency_keys RENAME COLUMN api_key_id TO principal_id;

-- A revoked session ends its streams as a revoked key does.
CREATE TRIGGER sessions_notify AFTER UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION notify_key();

CREATE FUNCTION current_person() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('pilothouse.user', true), '')::uuid $$;

-- The looks that come before it is known who asks.
CREATE FUNCTION find_sign_in(address text) RETURNS TABLE (id uuid, password_hash text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.id, u.password_hash FROM users u WHERE u.email = address
$$;
CREATE FUNCTION authenticate_session(presented uuid) RETURNS TABLE (user_id uuid, email text, display_name text, is_operator boolean, expires_at timestamptz, memberships jsonb)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.id, u.email, u.display_name, u.is_operator, s.expires_at,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', t.id, 'tenant', t.name, 'displayName', t.display_name, 'role', m.role) ORDER BY t.name), '[]'::jsonb)
      FROM memberships m JOIN tenants t ON t.id = m.tenant_id WHERE m.user_id = u.id)
  FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = presented AND s.revoked_at IS NULL AND s.expires_at > now()
$$;
-- An invitation sets the password once, and ends all sessions that were open with an older one.
CREATE FUNCTION accept_invitation(presented bytea, new_hash text) RETURNS TABLE (id uuid, email text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE invited uuid;
BEGIN
  DELETE FROM invitations i WHERE i.hash = presented AND i.expires_at > now() RETURNING i.user_id INTO invited;
  IF invited IS NULL THEN RETURN; END IF;
  DELETE FROM invitations i WHERE i.user_id = invited;
  UPDATE sessions s SET revoked_at = now() WHERE s.user_id = invited AND s.revoked_at IS NULL;
  RETURN QUERY UPDATE users u SET password_hash = new_hash WHERE u.id = invited RETURNING u.id, u.email;
END $$;
CREATE FUNCTION find_invitation(presented bytea) RETURNS TABLE (email text, expires_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.email, i.expires_at FROM invitations i JOIN users u ON u.id = i.user_id WHERE i.hash = presented AND i.expires_at > now()
$$;
-- Whoever may add a member names an address; whether there is such a person is not theirs to read before.
CREATE FUNCTION ensure_user(wanted uuid, address text, shown text) RETURNS TABLE (id uuid, has_password boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF current_tenant() IS NULL AND NOT is_platform() THEN
    RAISE EXCEPTION 'people are added by tenants and the platform' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO users (id, email, display_name) VALUES (wanted, address, shown) ON CONFLICT (email) DO NOTHING;
  RETURN QUERY SELECT u.id, u.password_hash IS NOT NULL FROM users u WHERE u.email = address;
END $$;
DO $$
DECLARE f text;
BEGIN
  FOREACH f IN ARRAY ARRAY['find_sign_in(text)', 'authenticate_session(uuid)', 'accept_invitation(bytea, text)', 'find_invitation(bytea)', 'ensure_user(uuid, text, text)'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pilothouse_web', f);
  END LOOP;
END $$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['sessions', 'invitations'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;
CREATE POLICY web_own ON sessions TO pilothouse_web USING (user_id = current_person()) WITH CHECK (user_id = current_person());
-- Only for people who cannot sign in yet, or whom the platform lets in again.
CREATE POLICY web_invite ON invitations FOR INSERT TO pilothouse_web WITH CHECK (is_platform() OR EXISTS (
  SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.user_id = invitations.user_id AND m.tenant_id = current_tenant() AND u.password_hash IS NULL
));
CREATE POLICY web_self ON users TO pilothouse_web USING (id = current_person());
CREATE POLICY web_platform ON users TO pilothouse_web USING (is_platform()) WITH CHECK (is_platform());
CREATE POLICY worker_expired ON sessions FOR DELETE TO pilothouse_worker USING (expires_at <= now() OR revoked_at IS NOT NULL);
CREATE POLICY worker_seen ON sessions FOR SELECT TO pilothouse_worker USING (expires_at <= now() OR revoked_at IS NOT NULL);
CREATE POLICY worker_expired ON invitations FOR DELETE TO pilothouse_worker USING (expires_at <= now());
CREATE POLICY worker_seen ON invitations FOR SELECT TO pilothouse_worker USING (expires_at <= now());

REVOKE SELECT ON users FROM pilothouse_web;
GRANT SELECT (id, email, display_name, is_operator, created_at), UPDATE (password_hash, display_name, is_operator) ON users TO pilothouse_web;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON sessions TO pilothouse_web;
GRANT INSERT ON invitations TO pilothouse_web;
GRANT INSERT, UPDATE (role), DELETE ON memberships TO pilothouse_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_limits TO pilothouse_web;
GRANT SELECT, DELETE ON sessions, invitations TO pilothouse_worker;
GRANT SELECT (principal_id, key, created_at), DELETE ON idempotency_keys TO pilothouse_worker;
