-- Tenants are counted without those that are deleted: from an index, not from ten thousand rows.

CREATE INDEX rh_placements_state ON rh_placements (tenant_id, state);
