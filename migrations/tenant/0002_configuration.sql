-- What a tenant is configured with: applications, connections, APIs, pages, hooks and actions.

-- One value per tenant and kind: branding, prompt settings, the login page's template, the e-mail provider.
CREATE TABLE tenant_singletons (
  tenant_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  credentials TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE themes (
  tenant_id TEXT NOT NULL,
  themeId TEXT NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, themeId)
) STRICT, WITHOUT ROWID;

CREATE TABLE custom_text (
  tenant_id TEXT NOT NULL,
  prompt TEXT NOT NULL,
  language TEXT NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, prompt, language)
) STRICT, WITHOUT ROWID;

CREATE TABLE email_templates (
  tenant_id TEXT NOT NULL,
  template TEXT NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, template)
) STRICT, WITHOUT ROWID;

CREATE TABLE clients (
  tenant_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  name TEXT NOT NULL,
  client_secret TEXT,
  owner_user_id TEXT,
  registration_type TEXT,
  -- A JSON array, in the order in which the login page shows them.
  connections TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, client_id)
) STRICT;
-- Not unique: tenants that share a database may use the same id.
CREATE INDEX clients_by_id ON clients (client_id);
CREATE INDEX clients_by_owner ON clients (tenant_id, owner_user_id) WHERE owner_user_id IS NOT NULL;
CREATE INDEX clients_by_creation ON clients (tenant_id, created_at, client_id);

CREATE TABLE client_grants (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  audience TEXT NOT NULL,
  allow_any_organization INTEGER,
  subject_type TEXT,
  is_system INTEGER,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX client_grants_once ON client_grants (tenant_id, client_id, audience);
CREATE INDEX client_grants_by_creation ON client_grants (tenant_id, created_at, id);

-- token_hash is the SHA-256 of what is shown once and stored nowhere; so is that of scim_tokens.
CREATE TABLE client_registration_tokens (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  type TEXT NOT NULL,
  client_id TEXT,
  single_use INTEGER NOT NULL,
  expires_at INTEGER,
  used_at INTEGER,
  revoked_at INTEGER,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX client_registration_tokens_by_hash ON client_registration_tokens (tenant_id, token_hash);
CREATE INDEX client_registration_tokens_by_client ON client_registration_tokens (tenant_id, client_id);

CREATE TABLE connections (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  strategy TEXT NOT NULL,
  is_system INTEGER,
  options TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX connections_by_name ON connections (tenant_id, name);

CREATE TABLE resource_servers (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  identifier TEXT NOT NULL,
  name TEXT NOT NULL,
  is_system INTEGER,
  options TEXT,
  signing_secret TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX resource_servers_by_identifier ON resource_servers (tenant_id, identifier);

CREATE TABLE hooks (
  tenant_id TEXT NOT NULL,
  hook_id TEXT NOT NULL,
  trigger_id TEXT,
  enabled INTEGER,
  priority INTEGER,
  url TEXT,
  form_id TEXT,
  template_id TEXT,
  code_id TEXT,
  page_id TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, hook_id)
) STRICT;
CREATE INDEX hooks_by_trigger ON hooks (tenant_id, trigger_id);
CREATE INDEX hooks_by_code ON hooks (tenant_id, code_id) WHERE code_id IS NOT NULL;

CREATE TABLE hook_code (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  secrets TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE actions (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  is_system INTEGER,
  secrets TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX actions_by_name ON actions (tenant_id, name);

CREATE TABLE action_versions (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  action_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  deployed INTEGER NOT NULL,
  secrets TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX action_versions_by_number ON action_versions (tenant_id, action_id, number);

CREATE TABLE flows (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE forms (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE log_streams (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT,
  status TEXT,
  sink TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE migration_sources (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  provider TEXT,
  enabled INTEGER,
  credentials TEXT,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE scim_configurations (
  tenant_id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, connection_id)
) STRICT;

CREATE TABLE scim_tokens (
  tenant_id TEXT NOT NULL,
  token_id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  valid_until INTEGER,
  last_used_at INTEGER,
  doc TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, token_id)
) STRICT;
CREATE UNIQUE INDEX scim_tokens_by_hash ON scim_tokens (tenant_id, token_hash);
CREATE INDEX scim_tokens_by_connection ON scim_tokens (tenant_id, connection_id);

CREATE TABLE scim_external_ids (
  tenant_id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  external_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX scim_external_ids_by_external ON scim_external_ids (tenant_id, connection_id, external_id);
CREATE INDEX scim_external_ids_by_user ON scim_external_ids (tenant_id, user_id);
