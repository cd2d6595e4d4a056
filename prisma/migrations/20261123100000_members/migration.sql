-- Members of a tenant come in by themselves: whoever knows an address can invite it, and only who holds the link and is that person gets in. So an
-- account that somebody else made in this person's name is let into nothing.

ALTER TABLE memberships ADD COLUMN generation integer NOT NULL DEFAULT 1;
-- Null while the invitation is open.
ALTER TABLE memberships ADD COLUMN accepted_at timestamptz(3);
UPDATE memberships SET accepted_at = created_at;
CREATE INDEX memberships_user_id_idx ON memberships (user_id);

-- Null for the platform's, by which anybody sets a password anew.
ALTER TABLE invitations ADD COLUMN tenant_id uuid;
ALTER TABLE invitations ADD CONSTRAINT invitations_membership_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE;
CREATE INDEX invitations_tenant_id_user_id_idx ON invitations (tenant_id, user_id);

CREATE OR REPLACE FUNCTION authenticate_session(presented uuid) RETURNS TABLE (user_id uuid, email text, display_name text, is_operator boolean, expires_at timestamptz, memberships jsonb)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.id, u.email, u.display_name, u.is_operator, s.expires_at,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('tenantId', t.id, 'tenant', t.name, 'displayName', t.display_name, 'role', m.role) ORDER BY t.name), '[]'::jsonb)
      FROM memberships m JOIN tenants t ON t.id = m.tenant_id WHERE m.user_id = u.id AND m.accepted_at IS NOT NULL)
  FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = presented AND s.revoked_at IS NULL AND s.expires_at > now()
$$;

DROP FUNCTION find_invitation(bytea);
CREATE FUNCTION find_invitation(presented bytea) RETURNS TABLE (email text, expires_at timestamptz, needs_password boolean, tenant text, tenant_display_name text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.email, i.expires_at, i.tenant_id IS NULL OR (u.password_hash IS NULL AND NOT u.is_operator), t.name, t.display_name
  FROM invitations i JOIN users u ON u.id = i.user_id LEFT JOIN tenants t ON t.id = i.tenant_id WHERE i.hash = presented AND i.expires_at > now()
$$;

-- Sets the password once. A tenant's invitation does so only for somebody who has none and is nobody yet; the platform's for anybody, and ends all
-- sessions that were open with an older one.
DROP FUNCTION accept_invitation(bytea, text);
CREATE FUNCTION accept_invitation(presented bytea, new_hash text) RETURNS TABLE (id uuid, email text, tenant_id uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE invited uuid; entered uuid;
BEGIN
  SELECT u.id, i.tenant_id INTO invited, entered FROM invitations i JOIN users u ON u.id = i.user_id
  WHERE i.hash = presented AND i.expires_at > now() AND (i.tenant_id IS NULL OR (u.password_hash IS NULL AND NOT u.is_operator)) FOR UPDATE;
  IF invited IS NULL THEN RETURN; END IF;
  DELETE FROM invitations i WHERE i.hash = presented OR (i.user_id = invited AND i.tenant_id IS NULL);
  UPDATE memberships m SET accepted_at = now() WHERE m.user_id = invited AND m.tenant_id = entered AND m.accepted_at IS NULL;
  UPDATE sessions s SET revoked_at = now() WHERE s.user_id = invited AND s.revoked_at IS NULL;
  RETURN QUERY UPDATE users u SET password_hash = new_hash WHERE u.id = invited RETURNING u.id, u.email, entered;
END $$;

-- Somebody who is signed in comes into a tenant by an invitation of his own.
CREATE FUNCTION join_tenant(presented bytea) RETURNS TABLE (tenant_id uuid, tenant text, display_name text, role text, email text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE entered uuid;
BEGIN
  DELETE FROM invitations i WHERE i.hash = presented AND i.expires_at > now() AND i.tenant_id IS NOT NULL AND i.user_id = current_person()
    RETURNING i.tenant_id INTO entered;
  IF entered IS NULL THEN RETURN; END IF;
  UPDATE memberships m SET accepted_at = now() WHERE m.user_id = current_person() AND m.tenant_id = entered AND m.accepted_at IS NULL;
  RETURN QUERY SELECT t.id, t.name, t.display_name, m.role, u.email FROM memberships m JOIN tenants t ON t.id = m.tenant_id JOIN users u ON u.id = m.user_id
    WHERE m.user_id = current_person() AND m.tenant_id = entered;
END $$;

-- Who becomes an operator proves anew to be that person, by the invitation that comes with it: whoever chose the password so far may be another.
CREATE FUNCTION promote_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF current_person() IS NOT NULL THEN RAISE EXCEPTION 'nobody makes an operator of himself' USING ERRCODE = 'insufficient_privilege'; END IF;
  IF is_platform() THEN
    NEW.password_hash := NULL;
    UPDATE sessions s SET revoked_at = now() WHERE s.user_id = NEW.id AND s.revoked_at IS NULL;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER users_promote BEFORE UPDATE OF is_operator ON users FOR EACH ROW WHEN (NEW.is_operator AND NOT OLD.is_operator) EXECUTE FUNCTION promote_user();

DO $$
DECLARE f text;
BEGIN
  FOREACH f IN ARRAY ARRAY['find_invitation(bytea)', 'accept_invitation(bytea, text)', 'join_tenant(bytea)'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pilothouse_web', f);
  END LOOP;
END $$;

DROP POLICY web_invite ON invitations;
CREATE POLICY web_invite ON invitations FOR INSERT TO pilothouse_web WITH CHECK ((tenant_id IS NULL AND is_platform()) OR (tenant_id = current_tenant() AND EXISTS (
  SELECT 1 FROM memberships m WHERE m.user_id = invitations.user_id AND m.tenant_id = invitations.tenant_id AND m.accepted_at IS NULL
)));
-- That somebody has come in is nothing that the web process says by itself.
REVOKE INSERT ON memberships FROM pilothouse_web;
GRANT INSERT (tenant_id, user_id, role), UPDATE (generation) ON memberships TO pilothouse_web;
