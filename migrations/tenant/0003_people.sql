-- Who signs in and what they may do: users, credentials, roles, organizations, invitations, consent.
CREATE TABLE users (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  email TEXT,
  email_verified INTEGER NOT NULL DEFAULT 0,
  username TEXT,
  phone_number TEXT,
  phone_verified INTEGER,
  name TEXT,
  given_name TEXT,
  family_name TEXT,
  nickname TEXT,
  picture TEXT,
  locale TEXT,
  provider TEXT NOT NULL,
  connection TEXT NOT NULL,
  is_social INTEGER NOT NULL DEFAULT 0,
  blocked INTEGER NOT NULL DEFAULT 0,
  linked_to TEXT,
  app_metadata TEXT,
  user_metadata TEXT,
  profileData TEXT,
  registration_completed_at TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, user_id)
) STRICT;
-- Both also answer the lookups by e-mail and user name alone.
CREATE UNIQUE INDEX users_by_email ON users (tenant_id, email, provider);
CREATE UNIQUE INDEX users_by_username ON users (tenant_id, username, provider);
CREATE INDEX users_by_phone_number ON users (tenant_id, phone_number, provider);
CREATE INDEX users_by_linked_to ON users (tenant_id, linked_to) WHERE linked_to IS NOT NULL;
CREATE INDEX users_by_created_at ON users (tenant_id, created_at, user_id);

-- Apart from users: written at every login, and a wide row would be rewritten with it.
CREATE TABLE user_activity (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  last_login TEXT,
  last_ip TEXT,
  login_count INTEGER NOT NULL DEFAULT 0,
  failed_logins TEXT,
  last_password_reset TEXT,
  PRIMARY KEY (tenant_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE passwords (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  password TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  is_current INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX passwords_current ON passwords (tenant_id, user_id) WHERE is_current = 1;
CREATE INDEX passwords_by_user ON passwords (tenant_id, user_id, created_at);

CREATE TABLE authentication_methods (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  type TEXT NOT NULL,
  credential_id TEXT,
  totp_secret TEXT,
  confirmed INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX authentication_methods_by_user ON authentication_methods (tenant_id, user_id);
-- A credential belongs to one user: WebAuthn, section 7.1, step 26.
CREATE UNIQUE INDEX authentication_methods_by_credential ON authentication_methods (tenant_id, credential_id)
  WHERE credential_id IS NOT NULL;

CREATE TABLE roles (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  is_system INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX roles_by_name ON roles (tenant_id, name);

CREATE TABLE role_permissions (
  tenant_id TEXT NOT NULL,
  role_id TEXT NOT NULL,
  resource_server_identifier TEXT NOT NULL,
  permission_name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, role_id, resource_server_identifier, permission_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_permissions_by_resource_server ON role_permissions (tenant_id, resource_server_identifier);

-- organization_id '' is the tenant itself, here and in user_permissions: NULL would not be unique.
CREATE TABLE user_roles (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  role_id TEXT NOT NULL,
  organization_id TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id, role_id, organization_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_roles_by_role ON user_roles (tenant_id, role_id, user_id);
CREATE INDEX user_roles_by_organization ON user_roles (tenant_id, organization_id);

CREATE TABLE user_permissions (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  resource_server_identifier TEXT NOT NULL,
  permission_name TEXT NOT NULL,
  organization_id TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id, resource_server_identifier, permission_name, organization_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_permissions_by_resource_server ON user_permissions (tenant_id, resource_server_identifier);
CREATE INDEX user_permissions_by_organization ON user_permissions (tenant_id, organization_id);

CREATE TABLE organizations (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  display_name TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX organizations_by_name ON organizations (tenant_id, name);
CREATE INDEX organizations_by_created_at ON organizations (tenant_id, created_at, id);

CREATE TABLE organization_connections (
  tenant_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  assign_membership_on_login INTEGER NOT NULL,
  show_as_button INTEGER NOT NULL,
  is_signup_enabled INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, connection_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX organization_connections_by_connection ON organization_connections (tenant_id, connection_id);

CREATE TABLE user_organizations (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX user_organizations_by_user ON user_organizations (tenant_id, user_id, organization_id);
CREATE INDEX user_organizations_by_organization ON user_organizations (tenant_id, organization_id, created_at, id);

CREATE TABLE invites (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  doc TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX invites_by_created_at ON invites (tenant_id, created_at);
CREATE INDEX invites_by_organization ON invites (tenant_id, organization_id);

-- audience '' is no audience: NULL would not be unique.
CREATE TABLE grants (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  clientID TEXT NOT NULL,
  audience TEXT NOT NULL DEFAULT '',
  scope TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX grants_by_user ON grants (tenant_id, user_id, clientID, audience);
