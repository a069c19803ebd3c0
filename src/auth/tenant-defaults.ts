import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import { MANAGEMENT_API_AUDIENCE, managementScopes } from "./management-api.ts";
import { DEFAULT_THEME } from "./theme.ts";

const PASSWORD_CONNECTION = "Username-Password-Authentication";

/**
 * What a tenant has from its first day: a password connection, the management API, a theme that calls no foreign
 * host. Each is made only where it is missing, so the step may run again after a crash and keeps what was changed.
 */
export async function seedTenantDefaults(adapters: DataAdapters, tenantId: string): Promise<void> {
  // Together, so that they share their trips to a server and their commits to a disk.
  await Promise.all([
    ensurePasswordConnection(adapters, tenantId),
    ensureManagementApi(adapters, tenantId),
    ensureTheme(adapters, tenantId),
  ]);
}

async function ensurePasswordConnection({ connections }: DataAdapters, tenantId: string): Promise<void> {
  const found = await connections.list(tenantId, { q: `name:"${PASSWORD_CONNECTION}"` });
  if (found.connections.length > 0) return;
  await connections.create(tenantId, {
    name: PASSWORD_CONNECTION,
    strategy: PASSWORD_CONNECTION,
    options: {},
  });
}

async function ensureManagementApi({ resourceServers }: DataAdapters, tenantId: string): Promise<void> {
  const found = await resourceServers.list(tenantId, { q: `identifier:${MANAGEMENT_API_AUDIENCE}` });
  if (found.resource_servers.some(({ identifier }) => identifier === MANAGEMENT_API_AUDIENCE)) return;
  await resourceServers.create(tenantId, {
    name: "Management API",
    identifier: MANAGEMENT_API_AUDIENCE,
    scopes: managementScopes(),
    signing_alg: "RS256",
    options: { token_dialect: "access_token_authz", enforce_policies: true },
  });
}

async function ensureTheme({ themes }: DataAdapters, tenantId: string): Promise<void> {
  if (await themes.get(tenantId, "default")) return;
  await themes.create(tenantId, DEFAULT_THEME, "default");
}

/** Reads back what every tenant must have; throws `internal` (`defaults_missing`) when something is not there. */
export async function verifyTenantDefaults(adapters: DataAdapters, tenantId: string): Promise<void> {
  const [{ connections }, { resource_servers }, theme] = await Promise.all([
    adapters.connections.list(tenantId),
    adapters.resourceServers.list(tenantId),
    adapters.themes.get(tenantId, "default"),
  ]);
  if (connections.length > 0 && resource_servers.length > 0 && theme) return;
  throw new PlatformError("internal", "defaults_missing", `The tenant ${tenantId} lacks what it was given`);
}
