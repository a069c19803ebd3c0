import { PlatformError } from "../../domain/errors.ts";
import { TenantId } from "../../domain/tenants.ts";
import { refuse } from "./answer.ts";
import type { Addressed, Middleware } from "./exchange.ts";
import { isManagement } from "./routes.ts";

/**
 * Settles which tenant the request names. A tenant's host fixes it, and a header has to agree; on the control plane's
 * host a header may name another one, on management routes only. What disagrees, is empty, comes twice or can be no
 * tenant's id is 400 `tenant_conflict`. All other ways of naming a tenant are dropped; AuthHero will get the one `tenant-id` we decide on.
 */
export function tenant(): Middleware {
  return async (c, next) => {
    const { headers, url, path } = c.get("draft");
    const host = c.get("host");
    const claims = ["tenant-id", "x-tenant-id"].flatMap((name) => headers.get(name) ?? []);
    if (!claims.every((claim) => isWelcome(claim, host, path)) || claims.length > 1) return refuse(c, conflict());

    headers.delete("tenant-id");
    headers.delete("x-tenant-id");
    // Only when it is there: touching the query would re-encode all of it.
    if (url.searchParams.has("tenant_id")) url.searchParams.delete("tenant_id");
    c.set("namedTenantId", claims[0]);
    c.set("target", host);
    return await next();
  };
}

/** A header that came twice arrives joined by a comma, which no tenant id has. */
function isWelcome(claim: string, host: Addressed, path: string): boolean {
  if (claim === "" || claim.includes(",")) return false;
  if (claim === host.tenantId) return true;
  const onControlPlane = host.placement === null;
  return onControlPlane && isManagement(path) && TenantId.safeParse(claim).success;
}

const conflict = () =>
  new PlatformError(
    "invalid",
    "tenant_conflict",
    "The host and the tenant header do not name one and the same tenant.",
  );
