import type { ProxyRoute, ProxyRouteInsert, ProxyRoutesAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, integer, text, time } from "./columns.ts";
import { crud, listRows } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** What a custom domain serves besides the login: which requests go where. */
export const proxyRoutes = entity<ProxyRoute, ProxyRouteInsert>({
  table: "proxy_routes",
  key: "id",
  columns: {
    id: text(),
    custom_domain_id: text(),
    priority: integer(),
    created_at: time(),
    updated_at: time(),
    match: doc(),
    handlers: doc(),
  },
  showsTenant: true,
  defaults: () => ({ id: plainId(), priority: 100 }),
  absent: () => ({ match: { path: "/*" }, handlers: [] }),
  order: [
    ["priority", "asc"],
    ["created_at", "asc"],
  ],
});

const LISTING = { as: "proxy_routes", counters: "pageUnlessAsked" } as const;

/** The `proxyRoutes` adapter. Its list tells the page's size and never a total. A route stays with its domain. */
export function createProxyRoutes(store: Store): ProxyRoutesAdapter {
  const { create, get, update, remove } = crud(store, proxyRoutes, { as: "proxy_routes" });
  return {
    create,
    get,
    remove,

    list: (tenantId, { custom_domain_id, ...params } = {}) =>
      listRows(store, proxyRoutes, LISTING, tenantId, { ...params, include_totals: false }, (rows) =>
        custom_domain_id === undefined ? rows : rows.where("custom_domain_id", "=", custom_domain_id),
      ),

    update(tenantId, id, route) {
      const { custom_domain_id: _domain, ...patch }: Partial<ProxyRoute> = route;
      return update(tenantId, id, patch);
    },
  };
}
