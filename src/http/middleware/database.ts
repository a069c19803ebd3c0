import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { MiddlewareHandler } from "hono";
import * as z from "zod";
import { PlatformError } from "../../domain/errors.ts";
import { callable, requireOptions } from "../../domain/options.ts";
import { tenantNotFound } from "../tenant-refusals.ts";
import { type MultiTenancyEnv, refusing, requireTenant } from "./env.ts";

/** The adapters over one tenant's own database; null or `not_found` when there is no such tenant. */
export type GetAdapters = (
  tenantId: string,
) => DataAdapters | null | undefined | Promise<DataAdapters | null | undefined>;

export interface DatabaseOptions {
  /** A `DatabaseFactory` has one. It must refuse tenants that it does not know. */
  readonly getAdapters: GetAdapters;
  /** The tenant whose adapters are those already in `c.env.data`. Default `control_plane`. */
  readonly controlPlaneTenantId?: string;
}

const Options = z.strictObject({ getAdapters: callable(), controlPlaneTenantId: z.string().min(1).optional() });

/**
 * Puts the adapters over the database of `c.var.tenant_id` into `c.env.data`, for this request only. 404
 * `tenant_not_found` when there is no such tenant, 503 `tenant_unavailable` when its database cannot be reached, 400
 * without a tenant: never another database, never a default.
 *
 * AuthHero's apps take their adapters from their own configuration instead, so it is for other routes: around AuthHero
 * use `initMultiTenant`.
 */
export function createDatabaseMiddleware(options: DatabaseOptions): MiddlewareHandler<MultiTenancyEnv> {
  requireOptions("createDatabaseMiddleware", Options, options);
  const { getAdapters, controlPlaneTenantId = "control_plane" } = options;
  return refusing(async (c) => {
    const tenantId = requireTenant(c);
    if (tenantId === controlPlaneTenantId) {
      if (c.env?.data) return;
      throw new PlatformError("invalid", "tenant_missing", "The control plane has no adapters here: set c.env.data");
    }
    const data = await adaptersOf(getAdapters, tenantId);
    // The object is the whole process's in some runtimes; another request must not see this tenant in it.
    c.env = { ...c.env, data };
  });
}

/** The adapters of a tenant. Throws `not_found` (`tenant_not_found`), `unavailable` (`tenant_unavailable`). */
export async function adaptersOf(getAdapters: GetAdapters, tenantId: string): Promise<DataAdapters> {
  let data: DataAdapters | null | undefined;
  try {
    data = await getAdapters(tenantId);
  } catch (cause) {
    if (cause instanceof PlatformError && cause.code === "not_found") throw tenantNotFound();
    throw new PlatformError("unavailable", "tenant_unavailable", "This tenant cannot be reached right now.", { cause });
  }
  if (!data) throw tenantNotFound();
  return data;
}
