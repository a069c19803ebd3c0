import { PlatformError } from "../../domain/errors.ts";
import { TenantId } from "../../domain/tenants.ts";
import type { HostRules } from "../../tenancy/hosts.ts";
import { tenantForbidden, tenantNotFound } from "../tenant-refusals.ts";
import { refuse } from "./answer.ts";
import type { Draft, Middleware } from "./exchange.ts";
import { address } from "./hosts.ts";
import { type ReachRules, reach } from "./reach.ts";
import { isManagement, isPublicManagement, tenantsRoute } from "./routes.ts";
import { bearerToken, type TokenRules, verifyToken } from "./token.ts";

export type GuardRules = TokenRules & HostRules & ReachRules;

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
    const verified = token === null ? null : await verifyToken(token, rules);
    if (verified === null) return refuse(c, unauthorized());
    const { actor, isVoid } = verified;
    // Before it is decided: a refusal is written down with whose it was.
    c.set("actor", actor);
    if (isVoid) return refuse(c, unauthorized());

    const wish = { ...draft, hostTenantId: c.get("host").tenantId, namedTenantId: c.get("namedTenantId") };
    const tenantId = reach(actor, wish, rules);
    if (tenantId === null) return refuse(c, tenantForbidden());

    if (isAboutNobody(draft.path, rules)) return refuse(c, invalidTenantId());

    const target = await address(tenantId, rules, rules.placements);
    // Only those who may go everywhere come this far with a tenant that is not there.
    if (target === null) return refuse(c, tenantNotFound());
    c.set("target", target);
    spell(draft.headers, `Bearer ${token}`);
    return await next();
  };
}

/** One spelling, so that AuthHero cannot read another token than the one verified here. Setting reads all of it once more. */
function spell(headers: Headers, authorization: string): void {
  if (headers.get("authorization") !== authorization) headers.set("authorization", authorization);
}

/** The OpenAPI document, and the question a browser asks before it may send a token (Fetch, section 3.2.2). */
export function isOpen({ method, path, headers }: Draft): boolean {
  const isPreflight = method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
  return isPreflight || isPublicManagement(method, path);
}

/** What no tenant can ever be called is not looked for. */
function isAboutNobody(path: string, { controlPlaneTenantId }: GuardRules): boolean {
  const id = tenantsRoute(path)?.id || controlPlaneTenantId;
  return id !== controlPlaneTenantId && !TenantId.safeParse(id).success;
}

const invalidTenantId = () => new PlatformError("invalid", "invalid_tenant_id", "id: no tenant can have this id.");
const unauthorized = () => new PlatformError("unauthorized", "invalid_token", "A valid bearer token is required.");
