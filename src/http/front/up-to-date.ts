import { PlatformError } from "../../domain/errors.ts";
import { refuse } from "./answer.ts";
import type { Middleware } from "./exchange.ts";
import { isDiscovery, isManagement, isTokenRequest } from "./routes.ts";

/** Brings a tenant up to date with its control plane, if it is behind. False: it is, and stays so. Must not fail. */
export type BringUpToDate = (tenantId: string) => Promise<boolean>;

/**
 * Whatever reads roles, APIs or connections of a tenant finds them as the control plane has them. Behind the guard, so
 * that nobody makes work who may not come in. Of a tenant that stays behind no token is issued, which might allow what
 * was taken away, and nothing is shown or changed as if it were current (503 `tenant_unavailable`); sessions go on.
 */
export function upToDate(bring: BringUpToDate | undefined): Middleware {
  return async (c, next) => {
    const { tenantId, placement } = c.get("target");
    const { method, path } = c.get("draft");
    const isRead = method !== "OPTIONS" && !isDiscovery(path);
    const isCurrent = !bring || placement === null || !isRead || (await bring(tenantId));
    if (!isCurrent && (isManagement(path) || isTokenRequest(path))) return refuse(c, behind());
    return await next();
  };
}

const behind = () =>
  new PlatformError(
    "unavailable",
    "tenant_unavailable",
    "This tenant cannot be brought up to date with its control plane right now.",
  );
