-- What a tenant has from the control plane, and up to which version of it.

CREATE TABLE synced_entities (
  tenant_id TEXT NOT NULL,
  -- resource_server, role, connection
  entity TEXT NOT NULL,
  -- Its id on the control plane. By this it is known when it is renamed.
  origin_id TEXT NOT NULL,
  local_id TEXT NOT NULL,
  -- Of what it was made to be.
  hash TEXT NOT NULL,
  PRIMARY KEY (tenant_id, entity, origin_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX synced_entities_by_local_id ON synced_entities (tenant_id, entity, local_id);

-- In the database itself, and compared by every statement that brings it forward: a restored database knows what it is,
-- and of two that bring it forward one does nothing.
CREATE TABLE sync_state (
  tenant_id TEXT NOT NULL PRIMARY KEY,
  log_epoch TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
