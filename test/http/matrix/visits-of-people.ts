import { gone, kept, life, type Visit } from "./visit.ts";

const user = (name: string) => ({
  connection: "Username-Password-Authentication",
  email: `${name}@example.com`,
  password: "Corr3ct-h0rse!",
});

const API = "https://orders.example/";

/** People, what they may do, the applications they sign in to, and how. */
export const PEOPLE: readonly Visit[] = [
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
];

function permissions(name: string) {
  return { permissions: [{ permission_name: name, resource_server_identifier: API }] };
}
