import { PlatformError } from "../../domain/errors.ts";
import type { Actor } from "../../tenancy/context.ts";
import type { HostRules } from "../../tenancy/hosts.ts";
import { refuse } from "./answer.ts";
import type { Draft, Middleware } from "./exchange.ts";
import { address, tenantNotFound } from "./hosts.ts";
import { isControlPlaneOnly, isManagement, isPublicManagement } from "./routes.ts";
import { bearerToken, type TokenRules, verifyToken } from "./token.ts";

export type GuardRules = TokenRules & HostRules;

/** The scope that lets a control-plane token reach every tenant. */
const EVERYWHERE = "admin:organizations";

/**
 * Decides who may act on which tenant through the Management API: 401 for a token that is none, then the same 403
 * `tenant_forbidden` for tenants that are foreign and tenants that do not exist. Which scopes a route asks for is
 * AuthHero's part; it verifies again.
 */
export function guard(rules: GuardRules): Middleware {
  return async (c, next) => {
    const draft = c.get("draft");
    if (!isManagement(draft.path) || isOpen(draft)) return await next();

    const token = bearerToken(draft.headers.get("authorization"));
    const actor = token === null ? null : await verifyToken(token, rules);
    if (actor === null) return refuse(c, unauthorized());

    const named = c.get("namedTenantId") ?? c.get("host").tenantId;
    const tenantId = isControlPlaneOnly(draft.path) ? rules.controlPlaneTenantId : named;
    if (!mayReach(actor, tenantId, rules.controlPlaneTenantId)) return refuse(c, forbidden());

    const target = await address(tenantId, rules, rules.placements);
    // Only those who may go everywhere come this far with a tenant that is not there.
    if (target === null) return refuse(c, tenantNotFound());
    c.set("target", target);
    c.set("actor", actor);
    // One spelling, so that AuthHero cannot read another token than the one verified here.
    draft.headers.set("authorization", `Bearer ${token}`);
    return await next();
  };
}

/** The table of who reaches whom. */
function mayReach(actor: Actor, tenantId: string, controlPlaneTenantId: string): boolean {
  if (actor.tenantId !== controlPlaneTenantId) return actor.tenantId === tenantId;
  // An organization's token is for its own tenant, and tenants have no organizations yet.
  if (actor.organizationId !== undefined) return false;
  return tenantId === controlPlaneTenantId || actor.scopes.has(EVERYWHERE);
}

/** The OpenAPI document, and the question a browser asks before it may send a token (Fetch, section 3.2.2). */
function isOpen({ method, path, headers }: Draft): boolean {
  const isPreflight = method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
  return isPreflight || isPublicManagement(method, path);
}

const unauthorized = () => new PlatformError("unauthorized", "invalid_token", "A valid bearer token is required.");
const forbidden = () => new PlatformError("forbidden", "tenant_forbidden", "The token does not reach this tenant.");
