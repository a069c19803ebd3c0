-- Whom the creation of a tenant is to invite: its steps may run after a crash, and must still know. Gone when it is done.
CREATE TABLE rh_first_administrators (
  tenant_id TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  -- The invitation, once there is one: it is made once, however often its mail is sent.
  invitation_id TEXT
) STRICT, WITHOUT ROWID;
