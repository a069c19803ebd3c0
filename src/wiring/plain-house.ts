import type { DataAdapters } from "@authhero/adapter-interfaces";
import { type FirstLogin, seedControlPlane } from "../auth/control-plane.ts";
import { ensureLifecycleScopes } from "../auth/lifecycle-scopes.ts";
import type { TenantHooks } from "../auth/tenant-hooks.ts";
import type { TenantMembersBackend } from "../auth/tenant-members.ts";
import { DEFAULT_THEME } from "../auth/theme.ts";
import { startUpkeep, type Upkeep } from "../auth/upkeep.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../domain/clock.ts";
import { createPending } from "../domain/pending.ts";
import { createCache } from "../entities/cache.ts";
import { withFallback } from "../fallback/fallback.ts";
import { withSystemScopes } from "../fallback/resource-servers.ts";
import { lendersOf } from "../fallback/runtime-fallback.ts";
import { inheritedSettings, withSettings } from "../fallback/settings.ts";
import { adaptersOf } from "../http/middleware/database.ts";
import { tenantNotFound } from "../http/tenant-refusals.ts";
import type { Logger } from "../log/logger.ts";
import type { SyncOptions } from "../sync/rules.ts";
import { tenantCache } from "../tenancy/caching.ts";
import { type HostRules, issuersOf, originOf } from "../tenancy/hosts.ts";
import { plainlyRouted, plainRouting } from "../tenancy/plain-routing.ts";
import { remembering } from "../tenancy/router.ts";
import { keepTenantOrganizations } from "../tenancy/tenant-organizations.ts";
import { refuseOwnHost } from "./creations.ts";
import type { DatabaseFactory } from "./database-factory.ts";
import { type Inheritance, unknownControlPlane } from "./fallback.ts";
import { type Additions, frontOver } from "./front.ts";
import { hostRules } from "./host-rules.ts";
import { createMailing } from "./mail.ts";
import { createMultiTenancyHooks, inTurn } from "./multi-tenancy.ts";
import { createPlainLookups, plainOrganizationOwners } from "./plain-guarding.ts";
import { keepPlainTenants } from "./plain-sync.ts";
import { createPlainTenants, needsRegistry, plainFleet, plainOperations, wholeOf } from "./plain-tenants.ts";
import { type House, PENDING_MAX } from "./rowhouse.ts";
import { createTexting } from "./sms.ts";
import { ensureTeams, type FirstRights } from "./team.ts";

export interface PlainHouseOptions extends FirstRights, Inheritance {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  /** The control plane's, in which the tenants' rows, keys and organizations are. */
  readonly adapters: DataAdapters;
  readonly databases: DatabaseFactory;
  /** Default: every row but the control plane's. */
  readonly getChildTenantIds?: () => Promise<readonly string[]>;
  /** What of the control plane tenants get; false for nothing. Default: everything that is meant for them. */
  readonly sync?: SyncOptions | false;
  readonly keepLogin: (login: FirstLogin) => Promise<void>;
  readonly additions: Additions;
}

/**
 * The house without a registry: rows say which tenants there are, and the caller's databases where their data are. The
 * front and its guard are those of the other house; what only a registry knows is refused (`needs_registry`).
 */
export async function openPlainHouse(options: PlainHouseOptions): Promise<House> {
  const { config, log, clock, adapters, databases, keepLogin, additions } = options;
  const rules = hostRules(config, additions);
  const { controlPlaneTenantId } = rules;
  await seedControlPlane(adapters, { tenantId: controlPlaneTenantId, issuer: rules.issuer, deliver: keepLogin });
  await ensureLifecycleScopes(adapters, controlPlaneTenantId);
  await ensureTeams({ tenantId: controlPlaneTenantId, adapters }, config.CONSOLE_CALLBACKS, options);

  const own = async (id: string) =>
    id === controlPlaneTenantId ? adapters : await adaptersOf((child) => databases.getAdapters(child), id);
  const keeping = keepPlainTenants({
    ...{ log, adapters, own, controlPlaneTenantId, sync: options.sync },
    childIds: () => childIds(options),
  });
  const lenderOf = lendersOf(adapters, {
    ...{ ...options, controlPlaneTenantId },
    getControlPlaneAdapters(id) {
      if (id !== controlPlaneTenantId) throw unknownControlPlane(id);
      return adapters;
    },
  });
  const inheritedOf = inheritedSettings(options.settingsInheritance, lenderOf);
  const mailing = createMailing({
    ...{ config, clock, controlPlaneTenantId, lenderOf },
    ownProvider: async (id) => (await own(id)).emailProviders.get(id),
  });
  const smsService = createTexting({ data: () => data, lenderOf, mailbox: mailing.mailbox });
  let upkeep: Upkeep | undefined;
  const outboxWritten = (tenantId: string) => upkeep?.wake(tenantId);
  const routing = {
    ...plainRouting({ controlPlaneTenantId, controlPlane: adapters, getAdapters: own }),
    outboxWritten,
    services: { emailService: mailing.service, smsService, cache: forgetful(clock) },
  };
  const data: DataAdapters = withSettings(
    withFallback(keeping.announced(plainlyRouted({ ...routing, surface: "auth" })), lenderOf, DEFAULT_THEME),
    inheritedOf,
  );
  const lookups = createPlainLookups({ controlPlaneTenantId, adapters, data, clock });
  const routedManagement = keeping.announced(plainlyRouted({ ...routing, surface: "management" }));
  const management = keepTenantOrganizations(
    refuseDomains(withSettings(withSystemScopes(routedManagement, lenderOf), inheritedOf)),
    controlPlaneTenantId,
    plainOrganizationOwners(adapters, lookups.placements),
  );
  const tenants = createPlainTenants({
    ...{ controlPlaneTenantId, own, inheritedOf, hooks: hooksOver(options, rules, keeping.hooks) },
    adapters: () => adapters,
    mailSource: mailing.sourceOf,
  });
  const pending = createPending(PENDING_MAX);
  const { front, routes } = frontOver({
    ...{ config, log, clock, data, management, lookups, mailing, pending, outboxWritten, additions },
    services: { tenants, ...WITHOUT_REGISTRY },
    // A state names no tenant: what comes back to the control plane's host is its own.
    states: { ownerOf: () => Promise.resolve(controlPlaneTenantId) },
    domains: noDomains(rules),
    tenantMembers: noTeams(),
  });
  upkeep = startUpkeep({
    ...{ data, log, clock },
    tenants: () => everyTenant(options, controlPlaneTenantId),
    keys: { isFull: () => Promise.resolve(true), refill: () => Promise.resolve(false) },
    ifFree: (_name, work) => work(),
    sweepShared: () => Promise.resolve(),
    originOf: (id) => Promise.resolve(originOf(id, rules)),
  });

  keeping.start();
  return {
    ...front,
    routes,
    async adaptersOf(id) {
      if (id !== controlPlaneTenantId && !(await adapters.tenants.get(id))) throw tenantNotFound();
      return await own(id);
    },
    async close() {
      await pending.idle();
      await keeping.stop();
      await upkeep?.stop();
    },
  };
}

/** What is done with a registry only. */
const WITHOUT_REGISTRY = {
  operations: plainOperations,
  fleet: plainFleet,
  explainHost: () => needsRegistry("hosts"),
};

/** Caches nothing: without epochs nobody says when a value has become old. */
const forgetful = (clock: Clock) => tenantCache(createCache({ clock }), () => Promise.resolve(null));

/** The caller's hooks, and what makes a row into a tenant; names that are no tenant's are refused before. */
function hooksOver(options: PlainHouseOptions, rules: HostRules, shared: readonly TenantHooks[]) {
  const { databases, additions, defaultRoles, defaultPermissions } = options;
  const { tenants } = createMultiTenancyHooks({
    controlPlaneTenantId: rules.controlPlaneTenantId,
    databaseIsolation: databases,
    accessControl: { ...(defaultRoles && { defaultRoles }), ...(defaultPermissions && { defaultPermissions }) },
    hooks: { tenants: inTurn([...shared, ...(additions.hooks ?? [])]) },
  });
  const beforeCreate: typeof tenants.beforeCreate = (_context, tenant) => {
    refuseOwnHost(tenant.id, rules);
    return tenant;
  };
  return [tenants, { beforeCreate }];
}

const noDomains = (rules: HostRules) => ({
  names: { ownerOf: () => Promise.resolve(null) },
  verify: () => needsRegistry("custom domains"),
  otherIssuers: (id: string) => Promise.resolve(issuersOf(id, rules, [])),
});

/** AuthHero's own would believe whatever organization a token names. */
function noTeams(): TenantMembersBackend {
  const refuse = () => remembering(() => needsRegistry("tenant-members"));
  return {
    ...{ listMembers: refuse, addMembers: refuse, removeMembers: refuse, listRoles: refuse },
    ...{ listMemberRoles: refuse, assignMemberRoles: refuse, removeMemberRoles: refuse },
    ...{ listInvitations: refuse, createInvitation: refuse, revokeInvitation: refuse },
  };
}

/** A claim that nobody could prove would be believed to work. */
function refuseDomains(adapters: DataAdapters): DataAdapters {
  return {
    ...adapters,
    customDomains: { ...adapters.customDomains, create: () => remembering(() => needsRegistry("custom domains")) },
    transaction: (work) => adapters.transaction((inside) => work(refuseDomains(inside))),
  };
}

async function* everyTenant(options: PlainHouseOptions, controlPlaneTenantId: string) {
  yield controlPlaneTenantId;
  for (const id of await childIds(options)) if (id !== controlPlaneTenantId) yield id;
}

async function childIds({ adapters: { tenants }, getChildTenantIds }: PlainHouseOptions): Promise<readonly string[]> {
  if (getChildTenantIds) return await getChildTenantIds();
  return (await wholeOf(async (query) => (await tenants.list(query)).tenants)).map(({ id }) => id);
}
