-- Who becomes an operator gets in by the invitation that comes with it, and by no older one: that was handed to somebody who was to be less.
CREATE OR REPLACE FUNCTION promote_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF current_person() IS NOT NULL THEN RAISE EXCEPTION 'nobody makes an operator of himself' USING ERRCODE = 'insufficient_privilege'; END IF;
  IF is_platform() THEN
    NEW.password_hash := NULL;
    UPDATE sessions s SET revoked_at = now() WHERE s.user_id = NEW.id AND s.revoked_at IS NULL;
    DELETE FROM invitations i WHERE i.user_id = NEW.id AND i.tenant_id IS NULL;
  END IF;
  RETURN NEW;
END $$;

-- A tenant reads who its members are, and changes nobody: what people are is their own and the platform's.
DROP POLICY web_member ON users;
CREATE POLICY web_member ON users FOR SELECT TO pilothouse_web USING (
  EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id AND m.tenant_id = current_tenant())
);
