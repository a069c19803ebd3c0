import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { PlatformError } from "../../domain/errors.ts";
import { currentContext } from "../../tenancy/context.ts";
import { refusalOfChange, tenantNotFound } from "../tenant-refusals.ts";
import { IdParameter, json, notFound, refusals, requireReach, requires, seesEverything } from "./common.ts";
import { Tenant } from "./schemas.ts";
import type { TenantsService } from "./service.ts";
import { beyondTeam, EffectiveSettings, settingsOf, TenantSettings } from "./settings.ts";

const changes = { body: { required: true, content: { "application/json": { schema: TenantSettings } } } };

const settingsRoute = createRoute({
  method: "get",
  path: "/settings",
  ...requires("read:tenant_settings"),
  responses: { 200: json(TenantSettings, "The settings of the request's tenant"), ...refusals },
});

const changeSettingsRoute = createRoute({
  method: "patch",
  path: "/settings",
  ...requires("update:tenant_settings"),
  request: changes,
  responses: { 200: json(TenantSettings, "The settings as they are now"), ...refusals },
});

const changeRoute = createRoute({
  method: "patch",
  path: "/{id}",
  ...requires("update:tenants"),
  request: { params: IdParameter, ...changes },
  responses: { 200: json(Tenant, "The tenant as it is now"), ...notFound, ...refusals },
});

const effectiveRoute = createRoute({
  method: "get",
  path: "/{id}/effective-settings",
  ...requires("read:tenants"),
  request: { params: IdParameter },
  responses: {
    200: json(EffectiveSettings, "What holds for the tenant, and where it comes from"),
    ...notFound,
    ...refusals,
  },
});

/** The routes about a tenant's settings: of the request's tenant as Auth0 has them, and of a tenant by its id. */
export function addSettingsRoutes(router: OpenAPIHono, service: TenantsService): void {
  const change = async (id: string, patch: TenantSettings): Promise<Tenant> => {
    requireAllowed(patch);
    const tenant = await service.get(id);
    requireOpen(tenant);
    return found(await service.changeSettings(id, patch));
  };

  router.openapi(settingsRoute, async (c) => c.json(settingsOf(found(await service.get(ownTenant()))), 200));

  router.openapi(changeSettingsRoute, async (c) =>
    c.json(settingsOf(await change(ownTenant(), c.req.valid("json"))), 200),
  );

  router.openapi(changeRoute, async (c) => {
    const { id } = c.req.valid("param");
    requireReach(id);
    return c.json(await change(id, c.req.valid("json")), 200);
  });

  router.openapi(effectiveRoute, async (c) => {
    const { id } = c.req.valid("param");
    requireReach(id);
    return c.json(found(await service.effectiveSettings(id)), 200);
  });
}

/** The request's tenant: `/tenants/settings` names none. */
function ownTenant(): string {
  const tenantId = currentContext()?.tenantId;
  if (tenantId) return tenantId;
  throw new PlatformError("invalid", "tenant_missing", "This request is for no tenant");
}

/** Throws `forbidden` (`setting_forbidden`) when somebody who is no operator names an operators' setting. */
function requireAllowed(patch: TenantSettings): void {
  const beyond = seesEverything() ? [] : beyondTeam(patch);
  if (beyond.length === 0) return;
  throw new PlatformError("forbidden", "setting_forbidden", `${beyond.join(", ")}: can be changed by operators only`);
}

/** A tenant that is out of service is changed by operators only, one that is gone by nobody. */
function requireOpen(tenant: Tenant | null): void {
  const { state } = found(tenant);
  const refusal = refusalOfChange(state);
  const isGone = refusal?.code === "not_found";
  if (refusal && (isGone || !seesEverything())) throw refusal;
}

function found<T>(value: T | null): T {
  if (value === null) throw tenantNotFound();
  return value;
}
