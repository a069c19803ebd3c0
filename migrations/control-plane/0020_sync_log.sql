-- What is shared with tenants has a version: each compares it with its own and knows whether it is behind.

-- One row for whatever has changed, under its newest number. Triggers write it: src/sync/log.ts makes them, and makes
-- them again when a migration has rebuilt a table, which drops them.
CREATE TABLE rh_sync_log (
  version INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id TEXT NOT NULL,
  entity TEXT NOT NULL,
  origin_id TEXT NOT NULL,
  UNIQUE (tenant_id, entity, origin_id)
) STRICT;

CREATE INDEX rh_sync_log_head ON rh_sync_log (tenant_id, version);

-- One row.
CREATE TABLE rh_sync_head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Drawn anew whenever versions may say nothing: triggers were missing, or what is shared follows other rules.
  epoch TEXT NOT NULL,
  -- The newest version that was read, and the hash of what was shared then.
  version INTEGER NOT NULL DEFAULT 0,
  digest TEXT NOT NULL DEFAULT ''
) STRICT;
