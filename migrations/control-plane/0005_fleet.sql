-- Jobs over many tenants, and what became of each tenant: after a crash a job goes on at the first without an outcome.

CREATE TABLE rh_fleet_jobs (
  -- In the order of their beginning.
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  -- What the tenants are brought to: for migrations the hash of the schema.
  target TEXT NOT NULL,
  -- `halted`: tenants were left out because too many had failed. `failed`: too many failed, and none was left; or overtaken.
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'halted', 'failed')),
  -- 0 for the canaries, 1 for 1 %, 2 for 10 %, 3 for the rest: the one that runs, or ran last.
  wave INTEGER NOT NULL DEFAULT 0,
  -- Why it is halted or failed.
  reason TEXT,
  -- Which process runs it, and until when nobody else may.
  lease_owner TEXT,
  lease_until TEXT,
  -- Raised by every take-over, so that whoever ran it before can write nothing any more.
  fence INTEGER NOT NULL DEFAULT 1,
  started_at TEXT NOT NULL,
  finished_at TEXT
) STRICT;

CREATE UNIQUE INDEX rh_fleet_jobs_running_once ON rh_fleet_jobs (kind) WHERE state = 'running';
CREATE INDEX rh_fleet_jobs_kind ON rh_fleet_jobs (kind, number);

-- Written for every tenant when the job begins: its plan.
CREATE TABLE rh_fleet_results (
  job_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  -- The incarnation that was meant.
  tag TEXT NOT NULL,
  wave INTEGER NOT NULL,
  -- NULL until it had its turn.
  outcome TEXT CHECK (outcome IN ('done', 'failed', 'skipped')),
  -- Why it failed or was skipped.
  reason TEXT,
  at TEXT,
  PRIMARY KEY (job_id, tenant_id)
) STRICT, WITHOUT ROWID;
