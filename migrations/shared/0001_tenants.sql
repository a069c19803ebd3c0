-- What stands beside the tenants: their own rows, the keys they sign with, the names they answer to.
CREATE TABLE tenants (
  id TEXT PRIMARY KEY,
  friendly_name TEXT NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tenants_by_name ON tenants (friendly_name, id);
CREATE INDEX tenants_by_creation ON tenants (created_at, id);

-- tenant_id NULL is the control plane's.
CREATE TABLE signing_keys (
  kid TEXT PRIMARY KEY,
  tenant_id TEXT,
  type TEXT NOT NULL,
  connection TEXT,
  fingerprint TEXT NOT NULL,
  thumbprint TEXT NOT NULL,
  cert TEXT NOT NULL,
  pkcs7 TEXT,
  current_since INTEGER,
  current_until INTEGER,
  revoked_at INTEGER,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX signing_keys_by_owner ON signing_keys (type, tenant_id, created_at);
CREATE INDEX signing_keys_by_tenant ON signing_keys (tenant_id) WHERE tenant_id IS NOT NULL;

CREATE TABLE custom_domains (
  tenant_id TEXT NOT NULL,
  custom_domain_id TEXT NOT NULL,
  domain TEXT NOT NULL,
  status TEXT NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, custom_domain_id)
) STRICT;
CREATE UNIQUE INDEX custom_domains_claimed_once ON custom_domains (tenant_id, domain);
-- Anyone may claim a domain; whoever has proved it is alone.
CREATE UNIQUE INDEX custom_domains_verified_once ON custom_domains (domain) WHERE status = 'ready';

CREATE TABLE proxy_routes (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  custom_domain_id TEXT NOT NULL,
  priority INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX proxy_routes_by_domain ON proxy_routes (tenant_id, custom_domain_id, priority, created_at);
