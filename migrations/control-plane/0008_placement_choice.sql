-- What somebody has asked for is kept beside what is done: where within a provider a database is to be, and who wants a fleet job.

-- NULL where the provider has only one place.
ALTER TABLE rh_placements ADD COLUMN place_group TEXT;
ALTER TABLE rh_placements ADD COLUMN place_region TEXT;

-- By default a process that was started.
ALTER TABLE rh_fleet_jobs ADD COLUMN initiator TEXT NOT NULL DEFAULT 'start';
