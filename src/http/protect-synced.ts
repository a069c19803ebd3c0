import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { Context, MiddlewareHandler } from "hono";
import { PlatformError } from "../domain/errors.ts";
import { claimsSystem, requireChangeable, type SyncedEntity } from "../tenancy/protect-synced.ts";
import { changedRow, syncedCollection } from "./synced-rows.ts";

/** What the middleware needs from the app it stands in. AuthHero's own apps have both. */
export interface ProtectSyncedEnv {
  Bindings: { data?: Pick<DataAdapters, SyncedEntity | "multiTenancyConfig"> };
  Variables: { tenant_id?: string };
}

/**
 * Refuses writes to what the control plane owns in a tenant (`is_system`), and to what belongs to it, in an app that
 * was composed by hand: 403 `system_resource`; a body that claims `is_system` gets 400. It must stand before the
 * routes, and asks `c.env.data` about the tenant in `c.var.tenant_id`; where one of the two is missing every such
 * write is refused, as are imports, whose rows it cannot tell apart. `wrapAdapters` of `setupMultiTenancy` does
 * without either, inside the adapters.
 */
export function createProtectSyncedMiddleware(): MiddlewareHandler<ProtectSyncedEnv> {
  return async (c, next) => {
    try {
      await protect(c);
    } catch (error) {
      if (error instanceof PlatformError) return error.getResponse();
      throw error;
    }
    return await next();
  };
}

async function protect(c: Context<ProtectSyncedEnv>): Promise<void> {
  const { method, path, raw } = c.req;
  if (["GET", "HEAD", "OPTIONS"].includes(method)) return;
  const row = changedRow(method, path);
  const isImport = /\/tenant-data\/+import\/?$/.test(path);
  if (!isImport && !syncedCollection(path)) return;

  const tenantId = c.get("tenant_id");
  const data = c.env?.data;
  if (!tenantId || !data) throw blind();
  const controlPlaneTenantId = data.multiTenancyConfig?.controlPlaneTenantId;
  if (isImport && tenantId !== controlPlaneTenantId) throw importRefused();
  if (await claims(raw)) throw claimsSystem();
  if (row) await requireChangeable(data, controlPlaneTenantId)(row.entity, tenantId, row.id);
}

/** The body is read from a copy: whoever handles the request reads it again. */
async function claims(request: Request): Promise<boolean> {
  if (!request.body || request.bodyUsed) return false;
  try {
    const body: unknown = JSON.parse(await request.clone().text());
    return typeof body === "object" && body !== null && "is_system" in body;
  } catch {
    // No JSON: to say so is the route's part.
    return false;
  }
}

const blind = () =>
  new PlatformError("forbidden", "protection_blind", "Nothing says whose row this is: no c.env.data or no tenant_id");

const importRefused = () =>
  new PlatformError("forbidden", "import_unprotected", "An import may change system resources: it is refused here");
