-- What a comparison of registry, providers, organizations and directories has found, and what became of it.

CREATE TABLE rh_fleet_findings (
  -- In the order in which they were found.
  number INTEGER PRIMARY KEY,
  job_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- Empty where it is about no tenant, or at no provider.
  tenant_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  -- The database, file, organization, operation or client it is about.
  subject TEXT NOT NULL,
  detail TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('found', 'repaired', 'left', 'gone', 'failed')),
  -- Why it failed.
  reason TEXT,
  at TEXT NOT NULL,
  UNIQUE (job_id, kind, tenant_id, provider, subject)
) STRICT;

-- A row that a client's creation has just written is no leftover. NULL for those from before.
ALTER TABLE rh_client_directory ADD COLUMN added_at TEXT;
