-- breaking: several processes share a control plane and tell each other what has changed; older code would not listen.

-- What has changed, newest last: one row per tenant, under a number that is never used twice. Who has read up to a
-- number has heard of everything below it, because whoever writes has the database to himself.
CREATE TABLE rh_changes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id TEXT NOT NULL UNIQUE
) STRICT;

-- Triggers, so that no writer can forget it. A migration that rebuilds rh_placements has to make them again.
CREATE TRIGGER rh_placements_claimed AFTER INSERT ON rh_placements
BEGIN
  DELETE FROM rh_changes WHERE tenant_id = NEW.tenant_id;
  INSERT INTO rh_changes (tenant_id) VALUES (NEW.tenant_id);
END;

CREATE TRIGGER rh_placements_changed AFTER UPDATE OF epoch ON rh_placements
BEGIN
  DELETE FROM rh_changes WHERE tenant_id = NEW.tenant_id;
  INSERT INTO rh_changes (tenant_id) VALUES (NEW.tenant_id);
END;

CREATE TRIGGER rh_placements_removed AFTER DELETE ON rh_placements
BEGIN
  DELETE FROM rh_changes WHERE tenant_id = OLD.tenant_id;
  INSERT INTO rh_changes (tenant_id) VALUES (OLD.tenant_id);
END;

-- Who serves tenants, and how much of it each has heard.
CREATE TABLE rh_processes (
  id TEXT PRIMARY KEY,
  started_at TEXT NOT NULL,
  -- Its last sign of life was a while before this.
  lease_until TEXT NOT NULL,
  -- It uses nothing any more that a change up to this number has taken away,
  acknowledged INTEGER NOT NULL,
  -- but for the databases of these tenants (JSON): calls that began before have not ended.
  holding TEXT NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;

-- Housekeeping that one process does for all.
CREATE TABLE rh_leases (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  lease_until TEXT NOT NULL,
  -- Raised by every take-over, so that whoever had it before cannot renew it.
  fence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row, sealed: a process whose encryption key cannot open it is refused at its start.
CREATE TABLE rh_seal (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sealed TEXT NOT NULL
) STRICT;
