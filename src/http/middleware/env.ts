import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { Context, MiddlewareHandler, Next } from "hono";
import { PlatformError } from "../../domain/errors.ts";

/** The claims of an access token that somebody has verified: AuthHero's apps keep them in `c.var.user`. */
export interface VerifiedClaims {
  /** The user or client that it was issued to. */
  readonly sub?: string;
  /** Whose token it is. */
  readonly tenant_id?: string;
  readonly org_id?: string;
  /** The organization's name, which is a tenant's id. */
  readonly org_name?: string;
  readonly permissions?: readonly string[];
  readonly scope?: string;
}

/** What the middlewares read and set. AuthHero's own apps have the same names. */
export interface MultiTenancyEnv {
  Bindings: { data?: DataAdapters };
  Variables: { tenant_id?: string; user?: VerifiedClaims };
}

/** A middleware whose refusals are thrown as `PlatformError` and answered in the Management API's shape. */
export function refusing(check: (c: Context<MultiTenancyEnv>) => Promise<void>): MiddlewareHandler<MultiTenancyEnv> {
  return async (c: Context<MultiTenancyEnv>, next: Next) => {
    try {
      await check(c);
    } catch (error) {
      if (error instanceof PlatformError) return error.getResponse();
      throw error;
    }
    return await next();
  };
}

/** The tenant of the request. `invalid` (`tenant_missing`): nobody gets one by default. */
export function requireTenant(c: Context<MultiTenancyEnv>): string {
  const tenantId = c.get("tenant_id");
  if (tenantId) return tenantId;
  throw new PlatformError("invalid", "tenant_missing", "Nothing says which tenant this request is for");
}
