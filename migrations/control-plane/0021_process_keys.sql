-- The ids of the encryption keys that a process has (JSON), never a key. None: of a version that does not say.
ALTER TABLE rh_processes ADD COLUMN key_ids TEXT NOT NULL DEFAULT '[]';
