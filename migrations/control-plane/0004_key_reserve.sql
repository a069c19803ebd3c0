-- RSA keys take a tenth of a second to make: a few are kept ready, sealed, so that no new tenant waits for its own.
CREATE TABLE rh_key_reserve (
  kid TEXT PRIMARY KEY,
  sealed TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
