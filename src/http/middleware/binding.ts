import type { MiddlewareHandler } from "hono";
import { plainId } from "../../domain/ids.ts";
import { runInContext } from "../../tenancy/context.ts";
import type { MultiTenancyEnv } from "./env.ts";

/** Binds everything behind it to the tenant of the request: look-ups that name none are about that one. */
export function binding(): MiddlewareHandler<MultiTenancyEnv> {
  return async (c, next) => {
    const tenantId = c.get("tenant_id");
    if (!tenantId) return await next();
    return await runInContext({ requestId: plainId(), tenantId, origin: new URL(new URL(c.req.url).origin) }, next);
  };
}
