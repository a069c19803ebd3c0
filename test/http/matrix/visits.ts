/**
 * One request for each route of the Management API that anybody would send, in an order in which every one succeeds:
 * what a request needs, one above it has made.
 */
export interface Visit {
  /** As the matrix names it. */
  readonly route: string;
  /** What stands for the parameters of the path: what was kept under a name, or, after `=`, the text itself. */
  readonly with?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly json?: unknown;
  /** The body as it was kept, for what is no JSON. */
  readonly text?: string;
  /** Keeps a member of the answer (`/` goes down, a number picks one of a list, nothing means all of it) under a name. */
  readonly keep?: Readonly<Record<string, string>>;
  /** Asked at the control plane for itself; default: for the tenant. */
  readonly atControlPlane?: boolean;
}

/** Stands in a body for what was kept under the name. */
const kept = (name: string) => ({ kept: name });

/** Reads, changes and reads of one thing that has an id. */
function life(path: string, name: string, made: object, changed: object, idField = "id"): Visit[] {
  const one = `${path}/{${idField === "hook_id" ? "hook_id" : "id"}}`;
  const at = { [idField === "hook_id" ? "hook_id" : "id"]: name };
  return [
    { route: `GET ${path}` },
    { route: `POST ${path}`, json: made, keep: { [name]: idField } },
    { route: `PATCH ${one}`, with: at, json: changed },
    { route: `GET ${one}`, with: at },
  ];
}

const gone = (path: string, name: string, parameter = "id"): Visit => ({
  route: `DELETE ${path}/{${parameter}}`,
  with: { [parameter]: name },
});

const reads = (...paths: string[]): Visit[] => paths.map((path) => ({ route: `GET ${path}` }));

const user = (name: string) => ({
  connection: "Username-Password-Authentication",
  email: `${name}@example.com`,
  password: "Corr3ct-h0rse!",
});

const API = "https://orders.example/";
const CODE = "exports.onExecutePostLogin = async () => {};";

export const VISITS: readonly Visit[] = [
  ...life(
    "/resource-servers",
    "api",
    { name: "Orders", identifier: API, scopes: [{ value: "read:orders" }] },
    { name: "All orders" },
  ),
  ...life("/roles", "role", { name: "Clerk" }, { description: "Takes orders" }),
  { route: "POST /roles/{id}/permissions", with: { id: "role" }, json: permissions("read:orders") },
  { route: "GET /roles/{id}/permissions", with: { id: "role" } },
  { route: "GET /roles/{id}/users", with: { id: "role" } },
  { route: "DELETE /roles/{id}/permissions", with: { id: "role" }, json: permissions("read:orders") },

  { route: "GET /users" },
  { route: "POST /users", json: user("ann"), keep: { user: "user_id" } },
  { route: "POST /users", json: user("bob"), keep: { linked: "user_id", "linked account": "identities/0/user_id" } },
  { route: "GET /users/{user_id}", with: { user_id: "user" } },
  { route: "PATCH /users/{user_id}", with: { user_id: "user" }, json: { name: "Ann" } },
  { route: "GET /users-by-email", query: "email=ann@example.com" },
  { route: "POST /users/{user_id}/permissions", with: { user_id: "user" }, json: permissions("read:orders") },
  { route: "GET /users/{user_id}/permissions", with: { user_id: "user" } },
  { route: "DELETE /users/{user_id}/permissions", with: { user_id: "user" }, json: permissions("read:orders") },
  { route: "POST /users/{user_id}/roles", with: { user_id: "user" }, json: { roles: [kept("role")] } },
  { route: "GET /users/{user_id}/roles", with: { user_id: "user" } },
  { route: "DELETE /users/{user_id}/roles", with: { user_id: "user" }, json: { roles: [kept("role")] } },
  { route: "GET /users/{user_id}/connected-clients", with: { user_id: "user" } },
  { route: "GET /users/{user_id}/sessions", with: { user_id: "user" } },
  { route: "GET /users/{user_id}/logs", with: { user_id: "user" } },
  {
    route: "POST /users/{user_id}/authentication-methods",
    with: { user_id: "user" },
    json: { type: "phone", phone_number: "+46701234567", confirmed: true },
    keep: { method: "id" },
  },
  { route: "GET /users/{user_id}/authentication-methods", with: { user_id: "user" } },
  { route: "GET /users/{user_id}/authentication-methods/{method_id}", with: { user_id: "user", method_id: "method" } },
  {
    route: "DELETE /users/{user_id}/authentication-methods/{method_id}",
    with: { user_id: "user", method_id: "method" },
  },
  { route: "POST /users/{user_id}/identities", with: { user_id: "user" }, json: { link_with: kept("linked") } },
  {
    route: "DELETE /users/{user_id}/identities/{provider}/{linked_user_id}",
    with: { user_id: "user", provider: "=auth2", linked_user_id: "linked account" },
  },

  ...life(
    "/clients",
    "client",
    { name: "Shop", callbacks: ["https://shop.example/"] },
    { description: "Sells" },
    "client_id",
  ),
  ...life(
    "/connections",
    "connection",
    { name: "Customers", strategy: "Username-Password-Authentication" },
    { display_name: "All customers" },
  ),
  { route: "GET /connections/{id}/clients", with: { id: "connection" } },
  {
    route: "PATCH /connections/{id}/clients",
    with: { id: "connection" },
    json: [{ client_id: kept("client"), status: true }],
  },
  { route: "GET /clients/{id}/connections", with: { id: "client" } },
  { route: "PATCH /clients/{id}/connections", with: { id: "client" }, json: [kept("connection")] },
  {
    route: "POST /connections/{id}/try",
    with: { id: "connection" },
    json: { username: "ann@example.com", password: "wrong" },
  },
  { route: "POST /connections/{id}/scim-configuration", with: { id: "connection" }, json: {} },
  { route: "GET /connections/{id}/scim-configuration", with: { id: "connection" } },
  {
    route: "PATCH /connections/{id}/scim-configuration",
    with: { id: "connection" },
    json: { user_id_attribute: "userName", mapping: [] },
  },
  { route: "GET /connections/{id}/scim-configuration/default-mapping", with: { id: "connection" } },
  {
    route: "POST /connections/{id}/scim-configuration/tokens",
    with: { id: "connection" },
    json: { scopes: ["get:users"] },
    keep: { scim: "token_id" },
  },
  { route: "GET /connections/{id}/scim-configuration/tokens", with: { id: "connection" } },
  {
    route: "DELETE /connections/{id}/scim-configuration/tokens/{tokenId}",
    with: { id: "connection", tokenId: "scim" },
  },
  { route: "DELETE /connections/{id}/scim-configuration", with: { id: "connection" } },

  ...life(
    "/client-grants",
    "grant",
    { client_id: kept("client"), audience: API, scope: [] },
    { scope: ["read:orders"] },
  ),
  gone("/client-grants", "grant"),
  { route: "POST /client-registration-tokens", json: {} },

  ...life("/organizations", "organization", { name: "north" }, { display_name: "North" }),
  { route: "POST /organizations/{id}/members", with: { id: "organization" }, json: { members: [kept("user")] } },
  { route: "GET /organizations/{id}/members", with: { id: "organization" } },
  { route: "GET /users/{user_id}/organizations", with: { user_id: "user" } },
  {
    route: "POST /organizations/{id}/members/{user_id}/roles",
    with: { id: "organization", user_id: "user" },
    json: { roles: [kept("role")] },
  },
  { route: "GET /organizations/{id}/members/{user_id}/roles", with: { id: "organization", user_id: "user" } },
  {
    route: "DELETE /organizations/{id}/members/{user_id}/roles",
    with: { id: "organization", user_id: "user" },
    json: { roles: [kept("role")] },
  },
  { route: "GET /organizations/{id}/roles", with: { id: "organization" } },
  {
    route: "DELETE /users/{user_id}/organizations/{organization_id}",
    with: { user_id: "user", organization_id: "organization" },
  },
  { route: "DELETE /organizations/{id}/members", with: { id: "organization" }, json: { members: [kept("user")] } },
  {
    route: "POST /organizations/{id}/invitations",
    with: { id: "organization" },
    json: {
      inviter: { name: "Ann" },
      invitee: { email: "carol@example.com" },
      client_id: kept("client"),
      send_invitation_email: false,
    },
    keep: { invitation: "id" },
  },
  { route: "GET /organizations/{id}/invitations", with: { id: "organization" } },
  {
    route: "GET /organizations/{id}/invitations/{invitation_id}",
    with: { id: "organization", invitation_id: "invitation" },
  },
  {
    route: "DELETE /organizations/{id}/invitations/{invitation_id}",
    with: { id: "organization", invitation_id: "invitation" },
  },
  {
    route: "POST /organizations/{id}/enabled_connections",
    with: { id: "organization" },
    json: { connection_id: kept("connection") },
  },
  { route: "GET /organizations/{id}/enabled_connections", with: { id: "organization" } },
  {
    route: "GET /organizations/{id}/enabled_connections/{connection_id}",
    with: { id: "organization", connection_id: "connection" },
  },
  {
    route: "PATCH /organizations/{id}/enabled_connections/{connection_id}",
    with: { id: "organization", connection_id: "connection" },
    json: { show_as_button: false },
  },
  {
    route: "DELETE /organizations/{id}/enabled_connections/{connection_id}",
    with: { id: "organization", connection_id: "connection" },
  },
  gone("/organizations", "organization"),

  { route: "GET /branding" },
  { route: "PATCH /branding", json: { colors: { primary: "#336699" } } },
  {
    route: "PUT /branding/templates/universal-login",
    json: { body: "<!DOCTYPE html><html><head>{%- auth0:head -%}</head><body>{%- auth0:widget -%}</body></html>" },
  },
  { route: "GET /branding/templates/universal-login" },
  { route: "POST /branding/templates/universal-login/preview", json: {} },
  { route: "DELETE /branding/templates/universal-login" },
  { route: "PATCH /branding/themes/default", json: { displayName: "Ours" } },
  { route: "GET /branding/themes/default" },
  { route: "GET /prompts" },
  { route: "PATCH /prompts", json: { identifier_first: true } },
  {
    route: "PUT /prompts/{prompt}/custom-text/{language}",
    with: { prompt: "=login", language: "=en" },
    json: { login: { title: "Come in" } },
  },
  { route: "GET /prompts/{prompt}/custom-text/{language}", with: { prompt: "=login", language: "=en" } },
  { route: "GET /prompts/custom-text" },
  { route: "GET /prompts/custom-text/defaults" },
  { route: "DELETE /prompts/{prompt}/custom-text/{language}", with: { prompt: "=login", language: "=en" } },

  ...["/email/providers", "/emails/provider"].flatMap((path): Visit[] => [
    {
      route: `POST ${path}`,
      json: {
        name: "smtp",
        default_from_address: "a@example.com",
        credentials: { smtp_host: "127.0.0.1", smtp_port: 2525 },
      },
    },
    { route: `PATCH ${path}`, json: { default_from_address: "b@example.com" } },
    { route: `GET ${path}` },
    { route: `DELETE ${path}` },
  ]),
  { route: "GET /email-templates/defaults" },
  { route: "POST /email-templates", json: mailTemplate() },
  { route: "PUT /email-templates/{templateName}", with: { templateName: "=welcome_email" }, json: mailTemplate() },
  {
    route: "PATCH /email-templates/{templateName}",
    with: { templateName: "=welcome_email" },
    json: { subject: "Hello" },
  },
  { route: "GET /email-templates/{templateName}", with: { templateName: "=welcome_email" } },
  {
    route: "POST /email-templates/{templateName}/try",
    with: { templateName: "=welcome_email" },
    json: { to: "a@example.com" },
  },
  { route: "DELETE /email-templates/{templateName}", with: { templateName: "=welcome_email" } },

  ...life(
    "/hooks",
    "hook",
    { trigger_id: "post-user-login", url: "http://127.0.0.1:1/" },
    { enabled: false },
    "hook_id",
  ),
  { route: "POST /hooks/{hook_id}/try", with: { hook_id: "hook" }, json: { user_id: kept("user") } },
  gone("/hooks", "hook", "hook_id"),
  ...life("/forms", "form", { name: "Terms" }, { name: "New terms" }),
  gone("/forms", "form"),
  ...life("/flows", "flow", { name: "Checks" }, { name: "More checks" }),
  gone("/flows", "flow"),
  ...life(
    "/log-streams",
    "stream",
    { name: "Ours", type: "http", sink: { httpEndpoint: "https://logs.example/" } },
    { name: "All" },
  ),
  gone("/log-streams", "stream"),
  ...life(
    "/migration-sources",
    "source",
    {
      name: "Old",
      provider: "auth0",
      connection: "Customers",
      credentials: { domain: "old.example", client_id: "a", client_secret: "b" },
    },
    { name: "Older" },
  ),
  gone("/migration-sources", "source"),

  ...["breached-password-detection", "brute-force-protection", "suspicious-ip-throttling"].flatMap((kind): Visit[] => [
    { route: `GET /attack-protection/${kind}` },
    { route: `PATCH /attack-protection/${kind}`, json: { enabled: true } },
  ]),
  ...reads(
    "/guardian/factors",
    "/guardian/factors/sms/selected-provider",
    "/guardian/factors/sms/providers/twilio",
    "/guardian/factors/phone/message-types",
    "/guardian/policies",
  ),
  { route: "PUT /guardian/factors/sms/selected-provider", json: { provider: "twilio" } },
  {
    route: "PUT /guardian/factors/sms/providers/twilio",
    json: { sid: "AC1", auth_token: "secret", from: "+46701234567" },
  },
  { route: "PUT /guardian/policies", json: ["all-applications"] },
  { route: "PUT /guardian/factors/{factor_name}", with: { factor_name: "=otp" }, json: { enabled: true } },
  { route: "GET /guardian/factors/{factor_name}", with: { factor_name: "=otp" } },
  { route: "POST /guardian/enrollments/ticket", json: { user_id: kept("user") } },
  { route: "POST /tickets/email-verification", json: { user_id: kept("user") } },
  { route: "POST /tickets/password-change", json: { user_id: kept("user") } },

  ...reads("/stats/daily", "/stats/active-users"),
  ...[
    "active-users logins signups refresh-tokens sessions logouts password-changes password-migrations mfa",
    "email-verifications codes-sent session-retention refresh-token-retention",
  ].flatMap((names) => reads(...names.split(" ").map((name) => `/analytics/${name}`))),
  ...reads("/failed-events", "/grants", "/keys/signing"),
  { route: "POST /failed-events/{id}/retry", with: { id: "event" } },
  ...life(
    "/custom-domains",
    "domain",
    { domain: "login.example.com", type: "auth0_managed_certs" },
    { tls_policy: "recommended" },
    "custom_domain_id",
  ),
  ...life(
    "/proxy-routes",
    "route",
    {
      custom_domain_id: kept("domain"),
      match: { path: "/a" },
      handlers: [{ type: "http", options: { upstream_url: "https://up.example/" } }],
    },
    { priority: 3 },
  ),
  gone("/proxy-routes", "route"),
  { route: "POST /custom-domains/{id}/verify", with: { id: "domain" } },
  gone("/custom-domains", "domain"),
  { route: "GET /logs", keep: { log: "0/log_id" } },
  { route: "GET /logs/{id}", with: { id: "log" } },
  { route: "GET /sessions/{id}", with: { id: "session" } },
  { route: "POST /sessions/{id}/revoke", with: { id: "session" } },
  { route: "DELETE /sessions/{id}", with: { id: "session" } },
  { route: "GET /refresh_tokens/{id}", with: { id: "refresh token" } },
  { route: "DELETE /refresh_tokens/{id}", with: { id: "refresh token" } },
  { route: "DELETE /grants/{id}", with: { id: "consent" } },
  { route: "DELETE /grants", query: "user_id=auth2|nobody" },
  { route: "GET /tenant-data/export", query: "gzip=false", keep: { "tenant data": "" } },
  { route: "POST /tenant-data/import", text: "tenant data" },

  gone("/clients", "client", "id"),
  gone("/connections", "connection"),
  gone("/roles", "role"),
  gone("/resource-servers", "api"),
  gone("/users", "user", "user_id"),

  { route: "GET /tenants/settings" },
  { route: "PATCH /tenants/settings", json: { support_email: "help@example.com" } },
  { route: "GET /tenants", atControlPlane: true },
  { route: "POST /tenants", json: { id: "gamma", friendly_name: "Gamma" }, atControlPlane: true },
  { route: "GET /tenants/{id}", with: { id: "=gamma" }, atControlPlane: true },
  {
    route: "PATCH /tenants/{id}",
    with: { id: "=gamma" },
    json: { support_url: "https://help.example/" },
    atControlPlane: true,
  },
  { route: "GET /tenants/{id}/effective-settings", with: { id: "=gamma" }, atControlPlane: true },
  { route: "GET /tenants/{id}/database", with: { id: "=gamma" }, atControlPlane: true },
  { route: "POST /tenants/{id}/suspend", with: { id: "=gamma" }, atControlPlane: true },
  { route: "POST /tenants/{id}/reactivate", with: { id: "=gamma" }, atControlPlane: true },
  { route: "POST /tenants/{id}/operations", with: { id: "=gamma" }, json: { kind: "read-only" }, atControlPlane: true },
  { route: "POST /tenants/{id}/reactivate", with: { id: "=gamma" }, atControlPlane: true },
  { route: "GET /tenants/{id}/operations", with: { id: "=gamma" }, keep: { operation: "0/id" }, atControlPlane: true },
  { route: "GET /operations/{id}", with: { id: "operation" }, atControlPlane: true },
  { route: "DELETE /tenants/{id}", with: { id: "=gamma" }, atControlPlane: true },
  { route: "POST /tenants/{id}/undelete", with: { id: "=gamma" }, atControlPlane: true },
  { route: "POST /operations", json: { kind: "migrate" }, atControlPlane: true },
  { route: "GET /operations", atControlPlane: true },

  { route: "POST /keys/signing/rotate" },
  { route: "GET /keys/signing", keep: { "signing key": "0/kid" } },
  { route: "GET /keys/signing/{kid}", with: { kid: "signing key" } },
  { route: "PUT /keys/signing/{kid}/revoke", with: { kid: "signing key" } },
  { route: "GET /spec" },

  { route: "GET /actions/actions" },
  { route: "GET /actions/triggers/{triggerId}/bindings", with: { triggerId: "=post-login" } },
  { route: "PATCH /actions/triggers/{triggerId}/bindings", with: { triggerId: "=post-login" }, json: { bindings: [] } },
  { route: "GET /actions/executions/{id}", with: { id: "execution" } },
  { route: "GET /actions/executions/{id}/logs", with: { id: "execution" } },
];

/**
 * What cannot succeed, and what it answers: nothing here isolates a tenant's code, so there is none, and certificates are
 * the business of whatever ends TLS.
 */
export const UNAVAILABLE: Readonly<Record<string, { readonly status: number; readonly json?: unknown }>> = {
  "POST /actions/actions": {
    status: 400,
    json: { name: "Act", code: CODE, supported_triggers: [{ id: "post-login", version: "v3" }] },
  },
  "GET /actions/actions/{id}": { status: 404 },
  "PATCH /actions/actions/{id}": { status: 400, json: { name: "Acts" } },
  "DELETE /actions/actions/{id}": { status: 404 },
  "POST /actions/actions/{id}/deploy": { status: 404 },
  "POST /actions/actions/{id}/test": { status: 400, json: { trigger_id: "post-login", event: {} } },
  "GET /actions/actions/{actionId}/versions": { status: 404 },
  "GET /actions/actions/{actionId}/versions/{id}": { status: 404 },
  "POST /actions/actions/{actionId}/versions/{id}/deploy": { status: 404 },
  "POST /hook-code": { status: 400, json: { code: CODE } },
  "GET /hook-code/{id}": { status: 404 },
  "PUT /hook-code/{id}": { status: 400, json: { code: CODE } },
  "DELETE /hook-code/{id}": { status: 404 },
  "PUT /custom-domains/{id}/certificate": {
    status: 501,
    json: { certificate: pem("CERTIFICATE"), private_key: pem("PRIVATE KEY") },
  },
};

function permissions(name: string) {
  return { permissions: [{ permission_name: name, resource_server_identifier: API }] };
}

function mailTemplate() {
  return { template: "welcome_email", body: "<p>Hi</p>", from: "a@example.com", subject: "Hi", syntax: "liquid" };
}

function pem(what: string) {
  return `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----`;
}
