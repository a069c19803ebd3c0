import type { DataAdapters } from "@authhero/adapter-interfaces";
import { createAuthHero } from "../../src/auth/authhero.ts";
import { type FirstLogin, seedControlPlane } from "../../src/auth/control-plane.ts";
import { MANAGEMENT_API_AUDIENCE } from "../../src/auth/management-api.ts";

/** Plain AuthHero over some adapters, without our front: one tenant, one application, one user with one role. */
export interface House {
  /** One request of the tenant's, as the front hands it over. Forms are given as pairs; redirects are not followed. */
  ask(path: string, options?: Ask): Promise<Answer>;
}

export interface Ask {
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: object;
  readonly token?: string;
  readonly cookie?: string;
}

/** An answer with its body read to the end. */
export interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly cookies: readonly string[];
  readonly text: string;
}

export const TENANT = "acme";
export const ISSUER = "http://acme.localhost/";
const ORIGIN = new URL(ISSUER);
const AUDIENCE = "https://api.acme.example/";

export const APPLICATION = {
  clientId: "web",
  clientSecret: "webSecret0123456789abcdefghij",
  redirectUri: "http://app.localhost/callback",
  audience: AUDIENCE,
};

export const RESIDENT = { email: "resident@acme.example", password: "Correct-Horse-acme-1" };

/** AuthHero's app over the adapters, its tenant furnished. */
export async function openHouse(data: DataAdapters): Promise<House & { login: FirstLogin }> {
  const login = await seedControlPlane(data, {
    tenantId: TENANT,
    issuer: ORIGIN,
    deliver: () => Promise.resolve(),
  });
  if (!login) throw new Error("the house was furnished before");
  const { fetch: app } = createAuthHero({
    data,
    management: data,
    controlPlaneTenantId: TENANT,
    otherIssuers: async () => [],
    extensions: [],
  });
  const house: House = {
    async ask(path, { form, json, token, cookie } = {}) {
      const headers = new Headers({ host: ORIGIN.host, "tenant-id": TENANT });
      if (token) headers.set("authorization", `Bearer ${token}`);
      if (cookie) headers.set("cookie", cookie);
      if (json) headers.set("content-type", "application/json");
      const body = form ? new URLSearchParams(form) : json ? JSON.stringify(json) : null;
      const request = new Request(new URL(path, ORIGIN), { method: body ? "POST" : "GET", headers, body });
      // AuthHero writes into its environment: each request has one of its own.
      const response = await app(request, {
        ISSUER: ORIGIN.href,
        AUTH_URL: ORIGIN.href,
        OAUTH_API_URL: ORIGIN.href,
        UNIVERSAL_LOGIN_URL: new URL("u/", ORIGIN).href,
      });
      return {
        status: response.status,
        location: response.headers.get("location"),
        cookies: response.headers.getSetCookie(),
        text: await response.text(),
      };
    },
  };
  await furnish(data, house, login);
  return { ...house, login };
}

async function furnish(adapters: DataAdapters, house: House, login: FirstLogin): Promise<void> {
  await adapters.tenants.update(TENANT, { session_lifetime: 72, idle_session_lifetime: 24 });
  await adapters.clients.create(TENANT, {
    client_id: APPLICATION.clientId,
    name: "Web",
    client_secret: APPLICATION.clientSecret,
    app_type: "regular_web",
    callbacks: [APPLICATION.redirectUri],
    grant_types: ["authorization_code", "refresh_token", "client_credentials"],
    token_endpoint_auth_method: "client_secret_post",
  } as Parameters<DataAdapters["clients"]["create"]>[1]);
  await adapters.resourceServers.create(TENANT, {
    name: "API",
    identifier: AUDIENCE,
    scopes: [{ value: "read:things", description: "Read things" }],
    options: { token_dialect: "access_token_authz", enforce_policies: true },
  });
  const user = await createResident(house, login);
  const role = await adapters.roles.create(TENANT, { name: "reader" });
  await adapters.rolePermissions.assign(TENANT, role.id, [
    { role_id: role.id, resource_server_identifier: AUDIENCE, permission_name: "read:things" },
  ]);
  await adapters.userRoles.create(TENANT, user, role.id);
}

async function createResident(house: House, login: FirstLogin): Promise<string> {
  const token = await managementToken(house, login);
  const json = { connection: "Username-Password-Authentication", ...RESIDENT, email_verified: true };
  const answer = await house.ask("/api/v2/users", { token, json });
  if (answer.status !== 201) throw new Error(`POST /users answered ${answer.status}: ${answer.text}`);
  return String(JSON.parse(answer.text).user_id);
}

/** A token for the management API, by client_credentials of the client made for it. */
export async function managementToken(house: House, login: FirstLogin): Promise<string> {
  const answer = await house.ask("/oauth/token", { form: managementGrant(login) });
  if (answer.status !== 200) throw new Error(`/oauth/token answered ${answer.status}: ${answer.text}`);
  return String(JSON.parse(answer.text).access_token);
}

export const managementGrant = ({ clientId, clientSecret }: FirstLogin) => ({
  grant_type: "client_credentials",
  client_id: clientId,
  client_secret: clientSecret,
  audience: MANAGEMENT_API_AUDIENCE,
});
