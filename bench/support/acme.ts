import type { DataAdapters } from "@authhero/adapter-interfaces";
import { MANAGEMENT_API_AUDIENCE, managementScopes } from "../../src/auth/management-api.ts";

/** The tenant that is measured, the same in every server: an application, an API, a machine, many users. */
export const ACME = "acme";

export const APPLICATION = {
  clientId: "web",
  clientSecret: "webSecret0123456789abcdefghij",
  redirectUri: "http://app.localhost/callback",
};

/** A client that asks for tokens on its own account. */
export const MACHINE = { clientId: "machine", clientSecret: "machineSecret0123456789abcdef" };

export const AUDIENCE = "https://api.acme.example/";

export const USERS = 10_000;

/** Of everybody who has a password, and its hash as AuthHero makes it: bcrypt, cost 10. */
export const PASSWORD = "Correct-Horse-1";
const PASSWORD_HASH = "$2b$10$duFQEJyGU5JSSO24EACYS.nDPutFQ.B7mRk6jHqq4KiSeBu6DVbOO";

/** Those who have a password: as many as sign in at once, so that nobody waits for themselves. */
export const PEOPLE = 32;

export const emailOf = (index: number): string => `user${String(index).padStart(5, "0")}@acme.example`;
export const userIdOf = (index: number): string => `auth2|${String(index).padStart(24, "0")}`;

/** Users per transaction: a commit waits for the disk, and ten thousand of them would take a minute. */
const CREATED_AT_ONCE = 1_000;

/** Puts all of it into a tenant that has what every tenant has from its first day. */
export async function furnish(data: DataAdapters, tenantId: string, users = USERS): Promise<void> {
  await data.tenants.update(tenantId, { session_lifetime: 72, idle_session_lifetime: 24 });
  await data.clients.create(tenantId, {
    client_id: APPLICATION.clientId,
    client_secret: APPLICATION.clientSecret,
    name: "Web",
    app_type: "regular_web",
    callbacks: [APPLICATION.redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "client_secret_post",
  } as Parameters<DataAdapters["clients"]["create"]>[1]);
  await furnishMachine(data, tenantId);
  for (let first = 0; first < users; first += CREATED_AT_ONCE) {
    await data.transaction(async (inside) => {
      const last = Math.min(first + CREATED_AT_ONCE, users);
      for (let index = first; index < last; index += 1) await inside.users.create(tenantId, userOf(index));
    });
  }
}

/** The API, and the machine that may use it and manage the tenant. */
export async function furnishMachine(data: DataAdapters, tenantId: string): Promise<void> {
  await data.resourceServers.create(tenantId, {
    name: "API",
    identifier: AUDIENCE,
    scopes: [{ value: "read:things", description: "Read things" }],
    signing_alg: "RS256",
  });
  await data.clients.create(tenantId, {
    client_id: MACHINE.clientId,
    client_secret: MACHINE.clientSecret,
    name: "Machine",
    app_type: "non_interactive",
    grant_types: ["client_credentials"],
    token_endpoint_auth_method: "client_secret_post",
  } as Parameters<DataAdapters["clients"]["create"]>[1]);
  await data.clientGrants.create(tenantId, {
    client_id: MACHINE.clientId,
    audience: AUDIENCE,
    scope: ["read:things"],
  });
  await data.clientGrants.create(tenantId, {
    client_id: MACHINE.clientId,
    audience: MANAGEMENT_API_AUDIENCE,
    scope: managementScopes().map(({ value }) => value),
  });
}

function userOf(index: number): Parameters<DataAdapters["users"]["create"]>[1] {
  return {
    user_id: userIdOf(index),
    email: emailOf(index),
    email_verified: true,
    name: `User ${index}`,
    given_name: "User",
    family_name: String(index),
    provider: "auth2",
    connection: "Username-Password-Authentication",
    is_social: false,
    app_metadata: { plan: "free" },
    ...(index < PEOPLE && { password: { hash: PASSWORD_HASH, algorithm: "bcrypt" } }),
  };
}
