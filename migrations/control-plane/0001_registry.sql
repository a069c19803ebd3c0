-- The registry: whose database lives where, so that every call finds its own tenant's and no other.

CREATE TABLE rh_placements (
  tenant_id TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (
    state IN ('pending', 'provisioning', 'ready', 'suspended', 'read_only', 'failed', 'deleting', 'deleted')
  ),
  tag TEXT NOT NULL UNIQUE,
  generation INTEGER NOT NULL,
  provider TEXT NOT NULL,
  database TEXT NOT NULL,
  -- NULL until the database was made.
  locator TEXT,
  -- Sealed.
  secret TEXT,
  -- Repeated in the database itself, so that a stranger's is recognised.
  nonce TEXT NOT NULL,
  -- The hash of the migrations the database has; NULL until it was made.
  schema_version TEXT,
  -- Raised by everything that other processes must learn of.
  epoch INTEGER NOT NULL DEFAULT 1,
  organization_id TEXT,
  -- When this incarnation began: tokens issued before belong to an earlier one.
  incarnation_at TEXT NOT NULL,
  outbox_pending_since TEXT,
  synced_version INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (provider, database)
) STRICT;

CREATE UNIQUE INDEX rh_placements_organization ON rh_placements (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX rh_placements_outbox ON rh_placements (outbox_pending_since) WHERE outbox_pending_since IS NOT NULL;

-- Every tag there ever was, those in use included: none is given out twice.
CREATE TABLE rh_retired_tags (
  tag TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  claimed_at TEXT NOT NULL,
  -- NULL while its tenant lives.
  retired_at TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE rh_operations (
  -- In the order of their beginning, also of those that begin in one millisecond.
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  tenant_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'failed', 'done', 'abandoned')),
  -- The step that was finished last, or the one that failed.
  step TEXT,
  -- Why it failed: a reason and a sentence.
  error TEXT,
  initiator TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  finished_at TEXT
) STRICT;

CREATE INDEX rh_operations_tenant ON rh_operations (tenant_id, number);
CREATE INDEX rh_operations_unfinished ON rh_operations (number) WHERE state IN ('running', 'failed');

CREATE TABLE rh_operation_events (
  id INTEGER PRIMARY KEY,
  operation_id TEXT NOT NULL REFERENCES rh_operations (id) ON DELETE CASCADE,
  step TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed')),
  error TEXT,
  at TEXT NOT NULL
) STRICT;

CREATE INDEX rh_operation_events_operation ON rh_operation_events (operation_id, id);

-- Which tenants have a client of that id: asked only when nothing else names the tenant.
CREATE TABLE rh_client_directory (
  client_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  PRIMARY KEY (client_id, tenant_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX rh_client_directory_tenant ON rh_client_directory (tenant_id);

-- Whose a state is that comes back from a foreign login without naming its tenant.
CREATE TABLE rh_state_directory (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX rh_state_directory_expiry ON rh_state_directory (expires_at);
CREATE INDEX rh_state_directory_tenant ON rh_state_directory (tenant_id);
