import type { MiddlewareHandler } from "hono";
import * as z from "zod";
import { PlatformError } from "../../domain/errors.ts";
import { requireOptions } from "../../domain/options.ts";
import { validateTenantAccess } from "../../tenancy/access.ts";
import { EVERYWHERE } from "../front/reach.ts";
import { tenantForbidden } from "../tenant-refusals.ts";
import { type MultiTenancyEnv, refusing, requireTenant, type VerifiedClaims } from "./env.ts";

export interface AccessControl {
  /** Default `control_plane`. */
  readonly controlPlaneTenantId?: string;
  /** Default true. False lets every token of the control plane that is of no organization into every tenant. */
  readonly requireOrganizationMatch?: boolean;
}

/** The options of access control, for whoever takes them as a part. */
export const AccessControlShape = {
  controlPlaneTenantId: z.string().min(1).optional(),
  requireOrganizationMatch: z.boolean().optional(),
};

const Options = z.strictObject(AccessControlShape);

/**
 * Decides who may act on `c.var.tenant_id`, by the claims in `c.var.user`: a tenant's own token on that tenant; a
 * control-plane token of an organization on the tenant of that name only; without organization on the control plane,
 * and everywhere with `admin:organizations`. 401 without claims, 403 `tenant_forbidden`, 400 without a tenant.
 *
 * It believes the claims. Whoever sets `c.var.user` must have verified the token, and with the key of the tenant that
 * `tenant_id` names: a tenant's own code can write any claim into tokens signed with the tenant's key. `initMultiTenant`
 * does all of it.
 */
export function createAccessControlMiddleware(options: AccessControl = {}): MiddlewareHandler<MultiTenancyEnv> {
  requireOptions("createAccessControlMiddleware", Options, options);
  return refusing((c) => {
    const user = c.get("user");
    if (!user) throw new PlatformError("unauthorized", "invalid_token", "A valid bearer token is required.");
    if (!reaches(user, requireTenant(c), options)) throw tenantForbidden();
    return Promise.resolve();
  });
}

/** Whether somebody with these claims may act on the tenant `target`. */
export function reaches(user: VerifiedClaims, target: string, options: AccessControl): boolean {
  const { controlPlaneTenantId = "control_plane", requireOrganizationMatch = true } = options;
  // A token that does not say whose it is, is nobody's.
  if (user.tenant_id !== controlPlaneTenantId) return user.tenant_id === target;
  if (validateTenantAccess(user.org_id, target, controlPlaneTenantId, user.org_name)) return true;
  if (user.org_id !== undefined || user.org_name !== undefined) return false;
  const granted = [...(user.permissions ?? []), ...(user.scope ?? "").split(" ")];
  return !requireOrganizationMatch || granted.includes(EVERYWHERE);
}
