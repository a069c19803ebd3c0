-- Who did what to which tenant, and who was refused: kept apart from the tenants' own logs, which their administrators read.

CREATE TABLE rh_audit_log (
  -- In the order of writing.
  number INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  -- The subject of the token; for what nobody asked for by request, what started it.
  actor TEXT NOT NULL,
  -- `operator` has admin:organizations; `control-plane` has not; `organization` is a tenant's team; `tenant` a tenant's own token.
  actor_kind TEXT NOT NULL CHECK (actor_kind IN ('operator', 'control-plane', 'organization', 'tenant', 'system')),
  -- The application that the token was issued to, as the token says.
  client_id TEXT,
  -- The tenant whose key signed the token.
  key_owner TEXT,
  organization_id TEXT,
  -- Method and path of a request, without its query; or the kind of an operation.
  action TEXT NOT NULL,
  -- Whom it was about; NULL when the request named nobody.
  tenant_id TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('allowed', 'refused')),
  -- Why it was refused: the answer's status and error code.
  reason TEXT,
  operation_id TEXT,
  request_id TEXT,
  address TEXT
) STRICT;

CREATE INDEX rh_audit_log_tenant ON rh_audit_log (tenant_id, number);
CREATE INDEX rh_audit_log_outcome ON rh_audit_log (outcome, number);

CREATE TRIGGER rh_audit_log_append_only BEFORE UPDATE ON rh_audit_log BEGIN
  SELECT raise(ABORT, 'rh_audit_log is append-only');
END;
