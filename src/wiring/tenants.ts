import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { Lifecycle } from "../../provisioning/lifecycle.ts";
import { listTenantIds } from "../../provisioning/listing.ts";
import { mergeSettings, requireInteractive } from "../auth/tenant-settings.ts";
import type { Statement } from "../db/database.ts";
import { PlatformError } from "../domain/errors.ts";
import { tenantLabel } from "../domain/ids.ts";
import { tenantInsert, tenantPurge } from "../entities/tenants.ts";
import type { TenantsService } from "../http/tenants/router.ts";
import type { ListTenants } from "../http/tenants/schemas.ts";
import { type HostRules, originOf } from "../tenancy/hosts.ts";
import type { ControlPlane } from "./control-plane.ts";

/** The tenants API's work, done by the registry and the lifecycle. */
export function createTenantsService(
  controlPlane: ControlPlane,
  lifecycle: Lifecycle,
  rules: HostRules,
  provider: string,
  { clients }: Pick<DataAdapters, "clients">,
): TenantsService {
  const { adapters, database, store } = controlPlane;
  const get = (id: string) => adapters.tenants.get(id);

  return {
    get,

    async list(query) {
      const { ids, total, next } = await listTenantIds(database, listingOf(query));
      const found = await Promise.all(ids.map(get));
      return {
        tenants: found.filter((tenant) => tenant !== null),
        ...(total !== null && { total }),
        ...(next !== null && { next }),
      };
    },

    async create({ id = tenantLabel(), audience = `urn:authhero:tenant:${id}`, ...input }, initiator) {
      refuseOwnHost(id, rules);
      const claimStatements: Statement[] = [tenantInsert(store, { ...input, id, audience }).compile()];
      const { ended } = await lifecycle.create({ tenantId: id, provider, claimStatements, initiator });
      await ended;
      const created = await get(id);
      if (created) return created;
      throw new PlatformError("conflict", "tenant_deleted", `The tenant ${id} was deleted while it was made`);
    },

    async changeSettings(id, patch) {
      const current = await get(id);
      if (!current) return null;
      if (patch.default_client_id) await requireInteractive(clients, id, patch.default_client_id);
      const merged = mergeSettings(current, patch);
      await adapters.tenants.update(id, merged);
      return get(id);
    },

    async remove(id, initiator) {
      if (id === controlPlane.tenantId) {
        throw new PlatformError("forbidden", "control_plane", "The control plane itself cannot be deleted");
      }
      await (await lifecycle.remove(id, { initiator }))?.ended;
    },
  };
}

/** What goes with a tenant's placement, in one batch with it: its row, its keys, its domains. */
export const purgeStatements = ({ store }: ControlPlane, tenantId: string): Statement[] =>
  tenantPurge(store, tenantId).map((statement) => statement.compile());

/** The issuer's own host may lie right under the base domain; a tenant of that label would share it. */
function refuseOwnHost(id: string, rules: HostRules): void {
  if (originOf(id, rules).host !== rules.issuer.host) return;
  throw new PlatformError("invalid", "reserved_tenant_id", `id: ${id} is the control plane's own host`);
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
