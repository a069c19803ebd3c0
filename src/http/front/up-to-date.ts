import type { Middleware } from "./exchange.ts";
import { isDiscovery } from "./routes.ts";

/** Brings a tenant up to date with its control plane, if it is behind. Must not fail. */
export type BringUpToDate = (tenantId: string) => Promise<void>;

/**
 * Whatever reads roles, APIs or connections of a tenant finds them as the control plane has them. Behind the guard, so
 * that nobody makes work who may not come in.
 */
export function upToDate(bring: BringUpToDate | undefined): Middleware {
  return async (c, next) => {
    const { tenantId, placement } = c.get("target");
    const { method, path } = c.get("draft");
    const isRead = method !== "OPTIONS" && !isDiscovery(path);
    if (bring && placement !== null && isRead) await bring(tenantId);
    return await next();
  };
}
