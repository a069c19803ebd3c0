import type { Actor } from "../../tenancy/context.ts";
import { isControlPlaneOnly, isTeamRoute, tenantsRoute } from "./routes.ts";

/** The scope that lets a control-plane token reach every tenant. */
export const EVERYWHERE = "admin:organizations";

export interface ReachRules {
  readonly controlPlaneTenantId: string;
  /** False lets every token of the control plane that is of no organization into every tenant. */
  readonly requireOrganizationMatch?: boolean;
}

/** What a management request asks for, before it is known whether it may. */
export interface Wish {
  readonly method: string;
  readonly path: string;
  readonly hostTenantId: string;
  /** The tenant a header names. */
  readonly namedTenantId: string | undefined;
}

/** The table of who reaches whom: the tenant that the request will act on, or null when the token does not reach it. */
export function reach(actor: Actor, wish: Wish, rules: ReachRules): string | null {
  const { controlPlaneTenantId } = rules;
  const isOperators = actor.tenantId === controlPlaneTenantId;
  if (isControlPlaneOnly(wish.path)) return isOperators && mayUseTenants(actor, wish) ? controlPlaneTenantId : null;
  // To operators a team is an organization like any other; a tenant's own tokens know nothing of teams.
  if (isTeamRoute(wish.path) && !(isOperators && actor.organizationId !== undefined)) return null;
  const wanted = wish.namedTenantId ?? wish.hostTenantId;
  if (!isOperators) return wanted === actor.tenantId ? wanted : null;
  if (actor.organizationId !== undefined) return ownOf(actor, wish, controlPlaneTenantId);
  const isEverywhere = rules.requireOrganizationMatch === false || actor.scopes.has(EVERYWHERE);
  return isEverywhere || wanted === controlPlaneTenantId ? wanted : null;
}

/** An organization's token acts on its own tenant only; on the control plane's host it need not say so. */
function ownOf({ organizationTenantId: own }: Actor, wish: Wish, controlPlaneTenantId: string): string | null {
  const { namedTenantId, hostTenantId } = wish;
  const isNamed = namedTenantId !== undefined || hostTenantId !== controlPlaneTenantId;
  const wanted = isNamed ? (namedTenantId ?? hostTenantId) : own;
  return own !== undefined && wanted === own ? own : null;
}

/**
 * The list of tenants is the caller's own, and making one is a scope of its own; all else about tenants and operations is
 * for those who may go everywhere. An organization's token has the list, its own tenant, and what can be read below it.
 */
function mayUseTenants({ organizationId, organizationTenantId, scopes }: Actor, { method, path }: Wish): boolean {
  const route = tenantsRoute(path);
  if (organizationId === undefined) return scopes.has(EVERYWHERE) || (route !== null && route.id === undefined);
  if (organizationTenantId === undefined || route === null) return false;
  if (route.id === undefined) return method === "GET";
  const methods = route.isBelow ? ["GET"] : ["GET", "PATCH", "DELETE"];
  return route.id === organizationTenantId && methods.includes(method);
}
