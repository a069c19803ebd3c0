import type { DataAdapters } from "@authhero/adapter-interfaces";
import { keptOrRead } from "./caching.ts";

/**
 * Adapters that keep which APIs a client may use on its own account: AuthHero asks for it at every such token and keeps it
 * nowhere. What is kept stands under the tenant's epoch, see `tenantCache`, which every change of a grant or a client
 * raises before it is answered. For the flows that give out tokens, not for those who administer grants.
 */
export function keepingGrants(data: DataAdapters): DataAdapters {
  const { cache, clientGrants } = data;
  if (!cache) return data;
  return {
    ...data,
    clientGrants: {
      ...clientGrants,
      list: (tenantId, params) =>
        keptOrRead(cache, `client-grants:${JSON.stringify([tenantId, params])}`, () =>
          clientGrants.list(tenantId, params),
        ),
    },
  };
}
