import { listTenantIds } from "../../provisioning/listing.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { tenantsByIds } from "../entities/tenants.ts";
import type { ListTenants, Tenant } from "../http/tenants/schemas.ts";
import type { TenantsService } from "../http/tenants/service.ts";
import type { ControlPlane } from "./control-plane.ts";

type Needs = Pick<ControlPlane, "tenantId" | "database" | "registry" | "store">;

/** `GET /tenants`: as many statements for ten thousand tenants as for ten. */
export function createTenantList({ tenantId, database, registry, store }: Needs): TenantsService["list"] {
  return async (query, viewer) => {
    const member = viewer === "everything" ? undefined : { controlPlaneTenantId: tenantId, ...viewer };
    const { ids, total, next } = await listTenantIds(database, { ...listingOf(query), ...(member && { member }) });
    const [rows, placements] = await Promise.all([tenantsByIds(store, ids), registry.readAll(ids)]);
    return {
      tenants: ids.flatMap((id) => {
        const [tenant, placement] = [rows.get(id), placements.get(id)];
        return tenant && placement ? [{ ...tenant, ...lifeOf(placement) }] : [];
      }),
      ...(total !== null && { total }),
      ...(next !== null && { next }),
    };
  };
}

/** Where a tenant stands, in our words and in AuthHero's. */
export function lifeOf({ state, purgeAt }: Placement): Pick<Tenant, "state" | "purge_at" | "provisioning_state"> {
  const isMade = state !== "pending" && state !== "provisioning";
  const made = isMade ? "ready" : "pending";
  return { state, provisioning_state: state === "failed" ? "failed" : made, ...(purgeAt && { purge_at: purgeAt }) };
}

function listingOf(query: ListTenants) {
  const [sortBy = "id", direction = "1"] = (query.sort ?? "id:1").split(":");
  const byKey = query.from !== undefined || query.take !== undefined;
  return {
    prefix: query.q,
    // The schema has let no other column through.
    sortBy: sortBy as "id" | "friendly_name" | "created_at",
    order: direction === "1" ? ("asc" as const) : ("desc" as const),
    start: byKey ? { after: query.from } : { offset: query.page * query.per_page },
    take: byKey ? (query.take ?? 50) : query.per_page,
    counted: !byKey && query.include_totals,
  };
}
