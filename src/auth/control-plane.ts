import { randomBytes } from "node:crypto";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import { seed } from "authhero";
import { managementScopes } from "./management-api.ts";
import { createManagementClient } from "./management-client.ts";

/** What the first administrator needs, told once. */
export interface FirstLogin {
  readonly username: string;
  readonly password: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface SeedOptions {
  readonly tenantId: string;
  readonly issuer: URL;
  /** Keeps the login where the operator finds it. Runs inside the transaction: without it nothing is seeded. */
  readonly deliver: (login: FirstLogin) => Promise<void>;
}

/** The client that the first start makes for automation. */
export const MANAGEMENT_CLIENT_ID = "rowhouse-management";
const ADMINISTRATOR = "admin";

/**
 * Makes the control plane on the first start: tenant, signing key, administrator, management API and a client for it.
 * One transaction: a start that dies half-way leaves nothing, and the next one begins anew.
 * Returns the login, or null when the control plane was there already.
 */
export async function seedControlPlane(adapters: DataAdapters, options: SeedOptions): Promise<FirstLogin | null> {
  if (await adapters.tenants.get(options.tenantId)) return null;
  return adapters.transaction(async (inside) => {
    // Another process may have been faster; this transaction sees what it has committed.
    if (await inside.tenants.get(options.tenantId)) return null;
    const login: FirstLogin = {
      username: ADMINISTRATOR,
      password: randomBytes(18).toString("base64url"),
      clientId: MANAGEMENT_CLIENT_ID,
      clientSecret: randomBytes(32).toString("base64url"),
    };
    await seedTenant(inside, login, options);
    // Automation signs in as this client: it may do everything, in every tenant.
    await createManagementClient(inside, options.tenantId, {
      ...login,
      name: "Rowhouse management",
      scopes: managementScopes().map(({ value }) => value),
    });
    await options.deliver(login);
    return login;
  });
}

async function seedTenant(adapters: DataAdapters, login: FirstLogin, { tenantId, issuer }: SeedOptions): Promise<void> {
  await seed(adapters, {
    adminUsername: login.username,
    adminPassword: login.password,
    tenantId,
    issuer: issuer.href,
    isControlPlane: true,
    // Left out, they are addresses of AuthHero's makers, to which codes of the control plane must not go.
    callbacks: [],
    allowedLogoutUrls: [],
    debug: false,
  });
}
