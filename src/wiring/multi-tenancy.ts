import type { DataAdapters } from "@authhero/adapter-interfaces";
import * as z from "zod";
import { createTenantLife, hooksOf, type TenantEvents, type TenantHooks } from "../auth/tenant-hooks.ts";
import { callable, having, requireOptions } from "../domain/options.ts";
import { lendersOf } from "../fallback/runtime-fallback.ts";
import {
  type InheritedSettingsOf,
  inheritedSettings,
  type SettingsInheritance,
  withSettings,
} from "../fallback/settings.ts";
import { type AccessControl, AccessControlShape, reaches } from "../http/middleware/access-control.ts";
import { adaptersOf } from "../http/middleware/database.ts";
import type { VerifiedClaims } from "../http/middleware/env.ts";
import { composedMiddleware } from "../http/middleware/multi-tenancy.ts";
import { type SubdomainRouting, SubdomainRoutingShape } from "../http/middleware/subdomain.ts";
import { createMultiTenancyApp } from "../http/multi-tenancy-app.ts";
import { composedRouter, requestAdapters } from "../http/tenants/composed-router.ts";
import { createTenantsRouter } from "../http/tenants/router.ts";
import { plainlyRouted, plainRouting } from "../tenancy/plain-routing.ts";
import type { DatabaseFactory } from "./database-factory.ts";
import { InheritanceOptions } from "./fallback.ts";
import { EventsShape, TenantHooksOption } from "./hook-options.ts";
import { createPlainTenants, plainFleet, plainOperations } from "./plain-tenants.ts";
import type { FirstRights } from "./team.ts";
import { provisioning } from "./tenant-provisioning.ts";

/** What a composed app is told; every part is independent, and one that is left out does not happen. */
export interface MultiTenancyConfig {
  /** Default `control_plane`. */
  readonly controlPlaneTenantId?: string;
  readonly subdomainRouting?: SubdomainRouting;
  /** Who may reach which tenant, and what a tenant's creator gets in its organization. */
  readonly accessControl?: Omit<AccessControl, "controlPlaneTenantId"> & FirstRights;
  /** Absent where all tenants share one database. */
  readonly databaseIsolation?: DatabaseFactory;
  /** Settings that tenants have from the control plane: in the adapters of `wrapAdapters`, and in the tenants API. */
  readonly settingsInheritance?: SettingsInheritance;
  readonly hooks?: TenantEvents & { readonly tenants?: TenantHooks };
}

/** What happens around tenants, for AuthHero's `entityHooks` or a router of tenants. */
export interface MultiTenancyHooks {
  /** Whether somebody with these claims, of a token that was verified, may act on a tenant. */
  readonly onTenantAccessValidation?: (claims: VerifiedClaims, tenantId: string) => boolean;
  /** A tenant's own adapters. Throws `not_found` (`tenant_not_found`), `unavailable` (`tenant_unavailable`). */
  readonly resolveDataAdapters?: (tenantId: string) => Promise<DataAdapters>;
  readonly tenants?: TenantHooks;
}

const CONTROL_PLANE = "control_plane";
const strings = z.array(z.string().min(1)).optional();

const Shape = {
  controlPlaneTenantId: z.string().min(1).optional(),
  subdomainRouting: z.strictObject(SubdomainRoutingShape).optional(),
  accessControl: z
    .strictObject({
      requireOrganizationMatch: AccessControlShape.requireOrganizationMatch,
      defaultPermissions: strings,
      defaultRoles: strings,
    })
    .optional(),
  databaseIsolation: having("a database factory", "getAdapters", "provision", "deprovision").optional(),
  settingsInheritance: InheritanceOptions.settingsInheritance,
  hooks: z.strictObject({ ...EventsShape, tenants: TenantHooksOption.optional() }).optional(),
};
const Config = z.strictObject(Shape);

const HooksOption = z.strictObject({
  onTenantAccessValidation: callable().optional(),
  resolveDataAdapters: callable().optional(),
  tenants: TenantHooksOption.optional(),
});

function requireConfig(caller: string, config: MultiTenancyConfig): void {
  requireOptions(caller, Config, config);
}

/** Who may act on which tenant, as a question to be asked by hand. `createAccessControlMiddleware` asks the same. */
export function createAccessControlHooks(
  config: Pick<MultiTenancyConfig, "controlPlaneTenantId" | "accessControl"> = {},
): Required<Pick<MultiTenancyHooks, "onTenantAccessValidation">> {
  requireConfig("createAccessControlHooks", config);
  const { requireOrganizationMatch = true } = config.accessControl ?? {};
  const options = { requireOrganizationMatch, controlPlaneTenantId: config.controlPlaneTenantId ?? CONTROL_PLANE };
  return { onTenantAccessValidation: (claims, tenantId) => reaches(claims, tenantId, options) };
}

/** Where a tenant's data are, as a question to be asked by hand. `createDatabaseMiddleware` asks the same. */
export function createDatabaseHooks(
  config: Required<Pick<MultiTenancyConfig, "databaseIsolation">>,
): Required<Pick<MultiTenancyHooks, "resolveDataAdapters">> {
  requireOptions(
    "createDatabaseHooks",
    z.strictObject({ databaseIsolation: Shape.databaseIsolation.unwrap() }),
    config,
  );
  const { databaseIsolation } = config;
  return { resolveDataAdapters: (tenantId) => adaptersOf((id) => databaseIsolation.getAdapters(id), tenantId) };
}

/**
 * What makes a row into a tenant: its database, its signing key, what every tenant starts with, and its organization on
 * the control plane, whose first member is its creator; after a deletion organization and database are removed. Each
 * hook finds what an earlier call has made. For `entityHooks.tenants`.
 */
export function createProvisioningHooks(
  config: Pick<MultiTenancyConfig, "controlPlaneTenantId" | "accessControl" | "databaseIsolation"> = {},
): TenantHooks {
  requireConfig("createProvisioningHooks", config);
  return provisioning(config);
}

/** All hooks that a configuration asks for: provisioning first, then the caller's own, which are given the new database. */
export function createMultiTenancyHooks(config: MultiTenancyConfig = {}): MultiTenancyHooks & { tenants: TenantHooks } {
  requireConfig("createMultiTenancyHooks", config);
  const { controlPlaneTenantId, accessControl, databaseIsolation, hooks = {} } = config;
  const own = [hooksOf(hooks), ...(hooks.tenants ? [hooks.tenants] : [])];
  const parts = { ...(controlPlaneTenantId && { controlPlaneTenantId }), ...(accessControl && { accessControl }) };
  const made = provisioning({ ...parts, databaseIsolation });
  return {
    ...createAccessControlHooks(parts),
    ...(databaseIsolation && createDatabaseHooks({ databaseIsolation })),
    tenants: {
      ...inTurn([made, ...own.map(told(databaseIsolation))]),
      // What others have made of a row, is what has to be possible.
      beforeCreate: (context, tenant) => createTenantLife(context, [...own, made]).creating(tenant),
    },
  };
}

/** Hooks that are told the adapters over the new tenant's database. */
const told =
  (databaseIsolation: DatabaseFactory | undefined) =>
  (hooks: TenantHooks): TenantHooks => ({
    ...hooks,
    ...(hooks.afterCreate && {
      async afterCreate(context, tenant) {
        const ownAdapters = await databaseIsolation?.getAdapters(tenant.id);
        await hooks.afterCreate?.({ ...context, ...(ownAdapters && { ownAdapters }) }, tenant);
      },
    }),
  });

/** Several hooks as one. */
export function inTurn(hooks: readonly TenantHooks[]): TenantHooks {
  return {
    beforeCreate: (context, tenant) => createTenantLife(context, hooks).creating(tenant),
    afterCreate: (context, tenant) => createTenantLife(context, hooks).created?.(tenant, context.ownAdapters),
    beforeUpdate: (context, id, changes) => createTenantLife(context, hooks).updating(id, changes),
    afterUpdate: (context, _id, tenant) => createTenantLife(context, hooks).updated(tenant),
    beforeDelete: (context, id) => createTenantLife(context, hooks).deleting(id),
    afterDelete: (context, id) => createTenantLife(context, hooks).deleted?.(id),
  };
}

/**
 * The tenants API for an app of one's own; for AuthHero, `managementApiExtensions: [{ path: "/tenants", router }]`. It
 * takes the control plane's adapters from `c.env.data` and believes the claims in `c.var.user`, as AuthHero sets them:
 * a token of the control plane with the route's scope, operators' everywhere with `admin:organizations`, a team's on
 * its own tenant. What needs the registry is 400 `needs_registry`. `hooks` are called around rows.
 */
export function createTenantsOpenAPIRouter(config: MultiTenancyConfig = {}, hooks: MultiTenancyHooks = {}) {
  requireConfig("createTenantsOpenAPIRouter", config);
  requireOptions("createTenantsOpenAPIRouter", HooksOption, hooks);
  const { controlPlaneTenantId = CONTROL_PLANE, accessControl, databaseIsolation } = config;
  const tenants = createPlainTenants({
    controlPlaneTenantId,
    inheritedOf: inheritedBy(config, requestAdapters),
    adapters: requestAdapters,
    own: async (id) => (await databaseIsolation?.getAdapters(id)) ?? requestAdapters(),
    hooks: hooks.tenants ? [hooks.tenants] : [],
  });
  const requireOrganizationMatch = accessControl?.requireOrganizationMatch ?? true;
  return composedRouter(createTenantsRouter(tenants, plainOperations, plainFleet), {
    controlPlaneTenantId,
    requireOrganizationMatch,
  });
}

/**
 * A Hono app with the middlewares a configuration asks for and the tenants API at `/tenants`. Whoever mounts it sets
 * `c.env.data`, and `c.var.user` to the claims of a verified token, before.
 */
export function createMultiTenancy(config: MultiTenancyConfig = {}, hooks = createMultiTenancyHooks(config)) {
  requireConfig("createMultiTenancy", config);
  return createMultiTenancyApp(middlewareOf(config), createTenantsOpenAPIRouter(config, hooks));
}

const middlewareOf = ({
  controlPlaneTenantId,
  subdomainRouting,
  accessControl,
  databaseIsolation,
}: MultiTenancyConfig) =>
  composedMiddleware({
    ...(controlPlaneTenantId && { controlPlaneTenantId }),
    ...(subdomainRouting && { subdomainRouting }),
    ...(accessControl && {
      accessControl: { requireOrganizationMatch: accessControl.requireOrganizationMatch ?? true },
    }),
    ...(databaseIsolation && { databaseIsolation }),
  });

/** Adapters in which each tenant's calls go to its own database: for AuthHero's `dataAdapter`. */
function wrapperOf(config: MultiTenancyConfig) {
  const routed = routerOf(config);
  return (controlPlane: DataAdapters): DataAdapters => {
    if (!config.settingsInheritance) return routed(controlPlane);
    return withSettings(
      routed(controlPlane),
      inheritedBy(config, () => controlPlane),
    );
  };
}

function routerOf({ controlPlaneTenantId = CONTROL_PLANE, databaseIsolation }: MultiTenancyConfig) {
  return (controlPlane: DataAdapters): DataAdapters => {
    if (!databaseIsolation) return controlPlane;
    const getAdapters = (id: string) => databaseIsolation.getAdapters(id);
    const routing = plainRouting({ controlPlaneTenantId, controlPlane, getAdapters });
    // What the router would leave to a registry is the control plane's.
    const { tenants, keys } = controlPlane;
    return { ...plainlyRouted({ ...routing, surface: "management" }), tenants, keys };
  };
}

/** What each tenant has from the control plane, whose adapters are at hand when it is asked. */
function inheritedBy(
  { controlPlaneTenantId = CONTROL_PLANE, settingsInheritance }: MultiTenancyConfig,
  controlPlane: () => DataAdapters,
): InheritedSettingsOf {
  return inheritedSettings(settingsInheritance, (tenantId) =>
    lendersOf(controlPlane(), { controlPlaneTenantId })(tenantId),
  );
}

/** The parts of multi-tenancy, each for the place where it belongs in an app of one's own. */
export interface MultiTenancySetup {
  /** For a router of tenants, or AuthHero's `entityHooks.tenants`. */
  readonly hooks: ReturnType<typeof createMultiTenancyHooks>;
  /** Sub-domain, access, database, as far as they are configured; binds what comes behind to the request's tenant. */
  readonly middleware: ReturnType<typeof middlewareOf>;
  /** The middleware and the tenants API, see `createMultiTenancy`. */
  readonly app: ReturnType<typeof createMultiTenancy>;
  readonly config: MultiTenancyConfig & { readonly controlPlaneTenantId: string };
  /** Makes adapters of which each tenant's calls go to its own database: for AuthHero's `dataAdapter`. */
  wrapAdapters(controlPlane: DataAdapters): DataAdapters;
}

/**
 * The parts, configured together. Around AuthHero, `initMultiTenant` puts them together and adds what they do not have:
 * it verifies tokens by the key of their tenant, and has a registry.
 */
export function setupMultiTenancy(config: MultiTenancyConfig): MultiTenancySetup {
  requireConfig("setupMultiTenancy", config);
  const hooks = createMultiTenancyHooks(config);
  return {
    hooks,
    middleware: middlewareOf(config),
    app: createMultiTenancy(config, hooks),
    config: { ...config, controlPlaneTenantId: config.controlPlaneTenantId ?? CONTROL_PLANE },
    wrapAdapters: wrapperOf(config),
  };
}

/** The same for hosts that register plug-ins by name: what stands before their routes, and the routes to add. */
export function createMultiTenancyPlugin(config: MultiTenancyConfig, hooks = createMultiTenancyHooks(config)) {
  requireConfig("createMultiTenancyPlugin", config);
  return {
    name: "rowhouse-multi-tenancy",
    middleware: middlewareOf(config),
    routes: [{ path: "/tenants", handler: createTenantsOpenAPIRouter(config, hooks) }],
    wrapAdapters: wrapperOf(config),
  };
}
