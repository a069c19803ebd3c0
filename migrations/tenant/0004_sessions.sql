-- What a login leaves behind: sessions, codes, tokens, the journal of what happened, and events waiting for delivery.

-- The id alone is the key: after a redirect AuthHero knows it before it knows the tenant.
CREATE TABLE login_sessions (
  tenant_id TEXT NOT NULL,
  id TEXT PRIMARY KEY,
  session_id TEXT,
  user_id TEXT,
  state TEXT NOT NULL,
  authParams TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX login_sessions_by_expires_at ON login_sessions (expires_at);
CREATE INDEX login_sessions_by_user ON login_sessions (tenant_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX login_sessions_by_session ON login_sessions (tenant_id, session_id) WHERE session_id IS NOT NULL;

CREATE TABLE sessions (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  login_session_id TEXT,
  expires_at INTEGER,
  idle_expires_at INTEGER,
  authenticated_at INTEGER NOT NULL,
  last_interaction_at INTEGER NOT NULL,
  used_at INTEGER,
  revoked_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX sessions_by_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_by_created_at ON sessions (tenant_id, created_at);
CREATE INDEX sessions_by_expires_at ON sessions (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX sessions_by_idle_expires_at ON sessions (idle_expires_at) WHERE idle_expires_at IS NOT NULL;

-- token_hash is the SHA-256 of the secret half; token_lookup is the public half.
CREATE TABLE refresh_tokens (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  login_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  token_lookup TEXT,
  token_hash TEXT,
  family_id TEXT,
  rotating INTEGER NOT NULL,
  rotated_to TEXT,
  rotated_at INTEGER,
  expires_at INTEGER,
  idle_expires_at INTEGER,
  last_exchanged_at INTEGER,
  revoked_at INTEGER,
  created_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX refresh_tokens_by_lookup ON refresh_tokens (tenant_id, token_lookup)
  WHERE token_lookup IS NOT NULL;
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (tenant_id, family_id) WHERE family_id IS NOT NULL;
CREATE INDEX refresh_tokens_by_login ON refresh_tokens (tenant_id, login_id);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (tenant_id, user_id);
CREATE INDEX refresh_tokens_by_client ON refresh_tokens (tenant_id, client_id);
CREATE INDEX refresh_tokens_by_expires_at ON refresh_tokens (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX refresh_tokens_by_idle_expires_at ON refresh_tokens (idle_expires_at) WHERE idle_expires_at IS NOT NULL;

-- The code first in the key: some are looked up before the tenant is known.
CREATE TABLE codes (
  tenant_id TEXT NOT NULL,
  code_id TEXT NOT NULL,
  code_type TEXT NOT NULL,
  login_id TEXT NOT NULL,
  user_id TEXT,
  expires_at INTEGER NOT NULL,
  used_at INTEGER,
  created_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (code_id, code_type, tenant_id)
) STRICT;
CREATE INDEX codes_by_expires_at ON codes (expires_at);
CREATE INDEX codes_by_user ON codes (tenant_id, user_id) WHERE user_id IS NOT NULL;

-- date is the caller's, verbatim: ISO 8601 in UTC, which sorts as text.
CREATE TABLE logs (
  tenant_id TEXT NOT NULL,
  log_id TEXT NOT NULL,
  date TEXT NOT NULL,
  type TEXT NOT NULL,
  description TEXT,
  ip TEXT,
  user_agent TEXT,
  user_id TEXT,
  user_name TEXT,
  client_id TEXT,
  client_name TEXT,
  connection TEXT,
  connection_id TEXT,
  strategy TEXT,
  strategy_type TEXT,
  audience TEXT,
  scope TEXT,
  hostname TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, log_id)
) STRICT;
CREATE INDEX logs_by_date ON logs (tenant_id, date, log_id);
CREATE INDEX logs_by_type ON logs (tenant_id, type, date);
CREATE INDEX logs_by_user ON logs (tenant_id, user_id, date) WHERE user_id IS NOT NULL;

-- The id alone is the key: whoever delivers claims by id.
CREATE TABLE outbox_events (
  tenant_id TEXT NOT NULL,
  id TEXT PRIMARY KEY,
  event_type TEXT NOT NULL,
  aggregate_type TEXT NOT NULL,
  aggregate_id TEXT NOT NULL,
  payload TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  processed_at INTEGER,
  retry_count INTEGER NOT NULL DEFAULT 0,
  next_retry_at INTEGER,
  error TEXT,
  claimed_by TEXT,
  claim_expires_at INTEGER,
  dead_lettered_at INTEGER,
  final_error TEXT
) STRICT;
CREATE INDEX outbox_events_waiting ON outbox_events (created_at, id) WHERE processed_at IS NULL;
CREATE INDEX outbox_events_by_processed_at ON outbox_events (processed_at) WHERE processed_at IS NOT NULL;
CREATE INDEX outbox_events_dead ON outbox_events (tenant_id, dead_lettered_at) WHERE dead_lettered_at IS NOT NULL;

CREATE TABLE action_executions (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  trigger_id TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX action_executions_by_created_at ON action_executions (created_at);

-- One row per caller and window; the key names the tenant. Rows outlive their window only until somebody else counts.
CREATE TABLE rate_limits (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX rate_limits_by_expires_at ON rate_limits (expires_at);
