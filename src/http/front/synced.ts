import type { Changeable } from "../../tenancy/protect-synced.ts";
import { changedRow } from "../synced-rows.ts";
import type { Middleware } from "./exchange.ts";
import { isManagement } from "./routes.ts";

/**
 * Refuses changes to what the control plane owns in a tenant, by the route. The management adapters refuse them all;
 * but there AuthHero's own words come first, and that a connection's list of applications was meant, nobody sees.
 */
export function synced(changeable: Changeable): Middleware {
  return async (c, next) => {
    const { method, path } = c.get("draft");
    const row = isManagement(path) ? changedRow(method, path) : null;
    if (row) await changeable(row.entity, c.get("target").tenantId, row.id);
    return await next();
  };
}
