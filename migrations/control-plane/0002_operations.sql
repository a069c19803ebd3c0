-- breaking: operations run under a lease and have new kinds, which older code would run without one or as another kind.

-- Which process runs it, and until when nobody else may.
ALTER TABLE rh_operations ADD COLUMN lease_owner TEXT;
ALTER TABLE rh_operations ADD COLUMN lease_until TEXT;
-- The fencing number: raised by every take-over, so that whoever ran it before can write nothing any more.
ALTER TABLE rh_operations ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
-- Since it began or was last resumed by hand.
ALTER TABLE rh_operations ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
-- Not sooner than this; NULL for at once.
ALTER TABLE rh_operations ADD COLUMN next_attempt_at TEXT;

-- What used to be a deletion destroyed the database. The steps are the same, and now called a purge.
UPDATE rh_operations SET kind = 'purge' WHERE kind = 'delete' AND state IN ('running', 'failed');
UPDATE rh_operations SET state = 'abandoned' WHERE state IN ('running', 'failed') AND number NOT IN (
  SELECT max(number) FROM rh_operations WHERE state IN ('running', 'failed') GROUP BY tenant_id
);
-- From now on `failed` means that nobody tries again by himself.
UPDATE rh_operations SET state = 'running' WHERE state = 'failed';

-- Whatever begins puts away what was unfinished, in the same batch.
CREATE UNIQUE INDEX rh_operations_unfinished_once ON rh_operations (tenant_id) WHERE state IN ('running', 'failed');

-- Where a deleted tenant goes back to; NULL for one that was never ready, which has nothing to go back to.
ALTER TABLE rh_placements ADD COLUMN restore_state TEXT;
-- When a deleted tenant is purged.
ALTER TABLE rh_placements ADD COLUMN purge_at TEXT;
CREATE INDEX rh_placements_purge ON rh_placements (purge_at) WHERE purge_at IS NOT NULL;
