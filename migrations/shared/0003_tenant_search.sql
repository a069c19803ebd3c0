-- Tenants are looked for by the beginning of their name in any case: with ten thousand of them that must not read all.
CREATE INDEX tenants_by_name_in_any_case ON tenants (friendly_name COLLATE NOCASE);
