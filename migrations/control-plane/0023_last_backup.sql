-- When the last copy began that `rowhouse backup` has made of the tenant's database (ISO 8601). NULL: it has made none.
ALTER TABLE rh_placements ADD COLUMN last_backup TEXT;
