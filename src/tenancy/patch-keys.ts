import type { DataAdapters } from "@authhero/adapter-interfaces";
import { currentContext } from "./context.ts";

/**
 * Lets a PATCH change only what it was sent. AuthHero fills every omitted field of these entities with its default
 * before it calls `update`, so that renaming a client would change its secret and empty its callbacks.
 */
export function keepPatchKeys(adapters: DataAdapters): DataAdapters {
  const { clients, connections, emailProviders, hooks, migrationSources, organizations, resourceServers } = adapters;
  const { promptSettings, proxyRoutes } = adapters;
  return {
    ...adapters,
    clients: { ...clients, update: (tenantId, id, patch) => clients.update(tenantId, id, sent(patch)) },
    connections: { ...connections, update: (tenantId, id, patch) => connections.update(tenantId, id, sent(patch)) },
    emailProviders: {
      ...emailProviders,
      update: (tenantId, patch) => emailProviders.update(tenantId, sent(patch)),
    },
    hooks: { ...hooks, update: (tenantId, id, patch) => hooks.update(tenantId, id, sent(patch)) },
    ...(migrationSources && {
      migrationSources: {
        ...migrationSources,
        update: (tenantId, id, patch) => migrationSources.update(tenantId, id, sent(patch)),
      },
    }),
    promptSettings: { ...promptSettings, set: (tenantId, patch) => promptSettings.set(tenantId, sent(patch)) },
    ...(proxyRoutes && {
      proxyRoutes: { ...proxyRoutes, update: (tenantId, id, patch) => proxyRoutes.update(tenantId, id, sent(patch)) },
    }),
    organizations: {
      ...organizations,
      update: (tenantId, id, patch) => organizations.update(tenantId, id, sent(patch)),
    },
    resourceServers: {
      ...resourceServers,
      update: (tenantId, id, patch) => resourceServers.update(tenantId, id, sent(patch)),
    },
    transaction: (work) => adapters.transaction((inside) => work(keepPatchKeys(inside))),
  };
}

function sent<T extends object>(patch: T): T {
  const keys = currentContext()?.patchKeys;
  if (!keys) return patch;
  return Object.fromEntries(Object.entries(patch).filter(([key]) => keys.has(key))) as T;
}
