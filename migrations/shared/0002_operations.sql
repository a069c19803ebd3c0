-- What is done to tenants and to all of them at once. No foreign keys: the history outlives the tenant.
CREATE TABLE tenant_operations (
  id TEXT PRIMARY KEY,
  tenant_id TEXT,
  rollout_id TEXT,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  engine TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX tenant_operations_by_tenant ON tenant_operations (tenant_id, created_at);
CREATE INDEX tenant_operations_by_rollout ON tenant_operations (rollout_id) WHERE rollout_id IS NOT NULL;
CREATE INDEX tenant_operations_by_status ON tenant_operations (status, updated_at);
CREATE INDEX tenant_operations_by_created_at ON tenant_operations (created_at, id);

CREATE TABLE tenant_operation_events (
  id TEXT PRIMARY KEY,
  operation_id TEXT NOT NULL,
  step TEXT NOT NULL,
  outcome TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX tenant_operation_events_by_operation ON tenant_operation_events (operation_id, created_at, id);

CREATE TABLE rollouts (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  wave_size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX rollouts_by_created_at ON rollouts (created_at, id);
