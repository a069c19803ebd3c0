import { gone, kept, life, reads, type Visit } from "./visit.ts";
import { PEOPLE } from "./visits-of-people.ts";
import { TEAM } from "./visits-of-teams.ts";

const CODE = "exports.onExecutePostLogin = async () => {};";

/** One request for each route, in an order in which every one succeeds: what a request needs, one above it has made. */
export const VISITS: readonly Visit[] = [
  ...PEOPLE,

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
  { route: "POST /tenants/{id}/management-client", with: { id: "=gamma" }, json: {}, atControlPlane: true },
  { route: "DELETE /tenants/{id}", with: { id: "=gamma" }, atControlPlane: true },
  { route: "POST /tenants/{id}/undelete", with: { id: "=gamma" }, atControlPlane: true },
  { route: "POST /operations", json: { kind: "migrate" }, atControlPlane: true },
  { route: "GET /operations", atControlPlane: true },
  { route: "GET /hosts", query: "host=gamma.localhost", atControlPlane: true },

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
  ...TEAM.map((visit) => ({ ...visit, asTeam: true })),
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

function mailTemplate() {
  return { template: "welcome_email", body: "<p>Hi</p>", from: "a@example.com", subject: "Hi", syntax: "liquid" };
}

function pem(what: string) {
  return `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----`;
}
