-- Whose database this is: compared with the registry at every open, so that a stranger's file is never served.
CREATE TABLE database_identity (
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  tenant_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  generation INTEGER NOT NULL,
  nonce TEXT NOT NULL
) STRICT;
