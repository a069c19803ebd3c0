import type { DataAdapters } from "@authhero/adapter-interfaces";
import { MANAGEMENT_CLIENT_ID } from "./control-plane.ts";
import { LIFECYCLE_SCOPES, MANAGEMENT_API_AUDIENCE, type Scope, UNLISTED_SCOPES } from "./management-api.ts";

const WANTED = [...LIFECYCLE_SCOPES, ...UNLISTED_SCOPES];

/**
 * Adds the scopes of a tenant's life to the control plane's management API and to the first management client, where
 * they are missing. Every start does it, so a house that was set up by an older version gets them too.
 */
export async function ensureLifecycleScopes(adapters: DataAdapters, tenantId: string): Promise<void> {
  await ensureScopes(adapters, tenantId, WANTED);
  await ensureOnGrant(adapters, tenantId);
}

/** Adds scopes to the tenant's management API, where they are missing, and returns all that it has. */
export async function ensureScopes(
  { resourceServers }: DataAdapters,
  tenantId: string,
  wanted: readonly Scope[],
): Promise<readonly Scope[]> {
  const found = await resourceServers.list(tenantId, { q: `identifier:${MANAGEMENT_API_AUDIENCE}` });
  const api = found.resource_servers.find(({ identifier }) => identifier === MANAGEMENT_API_AUDIENCE);
  const scopes = api?.scopes ?? [];
  const missing = wanted.filter(({ value }) => !scopes.some((scope) => scope.value === value));
  if (!api?.id || missing.length === 0) return scopes;
  await resourceServers.update(tenantId, api.id, { scopes: [...scopes, ...missing] });
  return [...scopes, ...missing];
}

async function ensureOnGrant({ clientGrants }: DataAdapters, tenantId: string): Promise<void> {
  const found = await clientGrants.list(tenantId, { q: `client_id:"${MANAGEMENT_CLIENT_ID}"` });
  for (const { id, client_id, audience, scope = [] } of found.client_grants) {
    if (client_id !== MANAGEMENT_CLIENT_ID || audience !== MANAGEMENT_API_AUDIENCE) continue;
    const missing = WANTED.map(({ value }) => value).filter((value) => !scope.includes(value));
    if (missing.length > 0) await clientGrants.update(tenantId, id, { scope: [...scope, ...missing] });
  }
}
