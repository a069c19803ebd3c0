import { AsyncLocalStorage } from "node:async_hooks";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { AuthHeroRouter } from "../../auth/authhero.ts";
import { PlatformError } from "../../domain/errors.ts";
import { plainId } from "../../domain/ids.ts";
import { validateTenantAccess } from "../../tenancy/access.ts";
import { type Actor, runInContext } from "../../tenancy/context.ts";
import { type ReachRules, reach } from "../front/reach.ts";
import type { MultiTenancyEnv, VerifiedClaims } from "../middleware/env.ts";
import { tenantForbidden } from "../tenant-refusals.ts";

/** For AuthHero and for any Hono app. */
export type TenantsRouter = OpenAPIHono<MultiTenancyEnv> & AuthHeroRouter;

const current = new AsyncLocalStorage<DataAdapters>();

/** The adapters of the request in hand, in a router that stands in somebody else's app. */
export function requestAdapters(): DataAdapters {
  const adapters = current.getStore();
  if (adapters) return adapters;
  throw new PlatformError("internal", "adapters_missing", "There are no adapters outside of a request");
}

/**
 * A router of tenants for an app whose tokens others verify: what the front does around AuthHero is done here, by the
 * claims in `c.var.user`. Only a token of the control plane gets in, on the control plane, with the scope of the route.
 */
export function composedRouter(router: OpenAPIHono, rules: ReachRules): TenantsRouter {
  const scopes = scopesOf(router);
  const guarded = new OpenAPIHono<MultiTenancyEnv>();
  guarded.use(async (c, next) => {
    try {
      const actor = admitted(c, rules, scopes);
      const origin = new URL(new URL(c.req.url).origin);
      const context = { requestId: plainId(), tenantId: rules.controlPlaneTenantId, origin, actor };
      return await runInContext(context, () => current.run(adaptersOf(c), next));
    } catch (error) {
      if (error instanceof PlatformError) return error.getResponse();
      throw error;
    }
  });
  guarded.route("/", router as unknown as OpenAPIHono<MultiTenancyEnv>);
  return guarded as TenantsRouter;
}

function adaptersOf(c: Context<MultiTenancyEnv>): DataAdapters {
  const data = c.env?.data;
  if (data) return data;
  throw new PlatformError("internal", "adapters_missing", "Set c.env.data to the control plane's adapters");
}

/** Who asks, if they may. */
function admitted(c: Context<MultiTenancyEnv>, rules: ReachRules, scopes: readonly RouteScope[]): Actor {
  const { controlPlaneTenantId } = rules;
  const user = c.get("user");
  if (!user) throw new PlatformError("unauthorized", "invalid_token", "A valid bearer token is required.");
  const actor = actorOf(user, controlPlaneTenantId);
  const isHere = (c.get("tenant_id") ?? controlPlaneTenantId) === controlPlaneTenantId;
  if (!isHere || actor.tenantId !== controlPlaneTenantId) throw tenantForbidden();
  const method = c.req.method === "HEAD" ? "GET" : c.req.method;
  const path = below(c.req.path);
  const wish = { method, path: `/api/v2/tenants${path}`, hostTenantId: controlPlaneTenantId, namedTenantId: undefined };
  if (reach(actor, wish, rules) !== controlPlaneTenantId) throw tenantForbidden();
  requireScope(scopes, actor, method, path);
  return actor;
}

/** What comes after the first `/tenants`, wherever the router is mounted. */
const below = (path: string) => /\/tenants(\/.*)?$/.exec(path)?.[1]?.replace(/\/$/, "") ?? "";

function actorOf(user: VerifiedClaims, controlPlaneTenantId: string): Actor {
  const { tenant_id = "", org_id, org_name, sub = "" } = user;
  const name = org_name ?? org_id;
  const isOrganizations = name !== undefined && validateTenantAccess(org_id, name, controlPlaneTenantId, org_name);
  return {
    tenantId: tenant_id,
    subject: sub,
    // A name without an id is a restriction as well.
    organizationId: org_id ?? org_name,
    organizationTenantId: isOrganizations ? name.toLowerCase() : undefined,
    scopes: new Set([...(user.permissions ?? []), ...(user.scope ?? "").split(" ")]),
  };
}

interface RouteScope {
  readonly method: string;
  readonly path: RegExp;
  readonly scope: string;
}

/** The scope of each route, as its OpenAPI definition says, in the order in which they match. */
function scopesOf(router: OpenAPIHono): readonly RouteScope[] {
  return router.openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== "route") return [];
    const { method, path, security } = definition.route;
    const scope = security?.[0]?.Bearer?.[0] ?? "";
    const pattern = new RegExp(`^${path.replace(/\/$/, "").replace(/\{[^}]+\}/g, "[^/]+")}$`);
    return [{ method: method.toUpperCase(), path: pattern, scope }];
  });
}

/** AuthHero enforces it, too, where it is mounted there; elsewhere nobody else would. */
function requireScope(scopes: readonly RouteScope[], actor: Actor, method: string, path: string): void {
  const route = scopes.find((each) => each.method === method && each.path.test(path));
  if (!route) throw new PlatformError("not_found", "route_not_found", "There is no such route.");
  if (actor.scopes.has(route.scope)) return;
  throw new PlatformError("forbidden", "insufficient_scope", `This route needs the scope ${route.scope}`);
}
