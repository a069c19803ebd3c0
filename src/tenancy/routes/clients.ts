import type { ClientsAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../../domain/ids.ts";
import { currentContext } from "../context.ts";
import type { Router } from "../router.ts";
import { refuseReservedClientId } from "./artefacts.ts";

/** Clients, and the directory that says which tenants have one of a given id. */
export function routeClients(router: Router): ClientsAdapter {
  const { directory } = router;
  return {
    get: (tenantId, id) => router.on(tenantId, ({ clients }) => clients.get(tenantId, id)),
    list: (tenantId, params) => router.on(tenantId, ({ clients }) => clients.list(tenantId, params)),
    update: (tenantId, id, client) => router.on(tenantId, ({ clients }) => clients.update(tenantId, id, client)),

    async create(tenantId, client, options) {
      const clientId = options?.importMetadata?.id ?? client.client_id ?? plainId();
      refuseReservedClientId(clientId);
      // Before the client, also inside a transaction: a leftover row is harmless, a missing one hides a client.
      if (tenantId !== router.controlPlaneTenantId) await directory.addClient(tenantId, clientId);
      const named = { ...client, client_id: clientId };
      return router.on(tenantId, ({ clients }) => clients.create(tenantId, named, options));
    },

    async remove(tenantId, id) {
      const removed = await router.on(tenantId, ({ clients }) => clients.remove(tenantId, id));
      if (tenantId !== router.controlPlaneTenantId) await directory.removeClient(tenantId, id);
      return removed;
    },

    async getByClientId(id) {
      const tenantId = await tenantOfClient(router, id);
      if (!tenantId) return null;
      const client = await router.on(tenantId, ({ clients }) => clients.get(tenantId, id));
      return client && { ...client, tenant_id: tenantId };
    },
  };
}

/** The request's tenant, and then never the directory; else the one tenant that has such a client. Never a guess. */
async function tenantOfClient(router: Router, clientId: string): Promise<string | null> {
  const context = currentContext();
  const known = context?.learntTenantId ?? context?.tenantId;
  if (known) return known;
  const [children, own] = await Promise.all([
    router.directory.tenantsOfClient(clientId),
    router.onControlPlane(({ clients }) => clients.get(router.controlPlaneTenantId, clientId)),
  ]);
  const candidates = own ? [router.controlPlaneTenantId, ...children] : children;
  return candidates.length === 1 ? (candidates[0] ?? null) : null;
}
