-- A request that is repeated with its Idempotency-Key gets the answer it got, and makes nothing twice.
CREATE TABLE rh_idempotency_keys (
  caller TEXT NOT NULL,
  route TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  operation_id TEXT NOT NULL,
  -- NULL until it was given.
  answer TEXT,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (caller, route, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX rh_idempotency_keys_expiry ON rh_idempotency_keys (expires_at);
