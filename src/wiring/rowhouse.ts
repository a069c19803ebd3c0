import type { CacheAdapter, DataAdapters } from "@authhero/adapter-interfaces";
import { createFleet } from "../../provisioning/fleet.ts";
import { createJournal, type Journal } from "../../provisioning/journal.ts";
import { createKeyReserve } from "../../provisioning/key-reserve.ts";
import { createLifecycle, type Lifecycle } from "../../provisioning/lifecycle.ts";
import type { Witness } from "../../provisioning/operation-rows.ts";
import type { Providers } from "../../provisioning/ownership.ts";
import type { Pool } from "../../provisioning/pool.ts";
import type { Route } from "../auth/authhero.ts";
import { type FirstLogin, seedControlPlane } from "../auth/control-plane.ts";
import { ensureLifecycleScopes } from "../auth/lifecycle-scopes.ts";
import { ensureTenantKey, generateSigningKey } from "../auth/signing-keys.ts";
import { seedTenantDefaults, verifyTenantDefaults } from "../auth/tenant-defaults.ts";
import { createTenantLife, type TenantLife } from "../auth/tenant-hooks.ts";
import { DEFAULT_THEME } from "../auth/theme.ts";
import type { Upkeep } from "../auth/upkeep.ts";
import type { Config } from "../config.ts";
import { type Clock, systemClock } from "../domain/clock.ts";
import { createPending } from "../domain/pending.ts";
import { createCache } from "../entities/cache.ts";
import { withFallback } from "../fallback/fallback.ts";
import type { LenderOf } from "../fallback/lender.ts";
import { withSystemScopes } from "../fallback/resource-servers.ts";
import { type InheritedSettingsOf, inheritedSettings, withSettings } from "../fallback/settings.ts";
import type { AnsweredAtOnce, Asked } from "../http/front/published.ts";
import type { FleetService } from "../http/operations/fleet-service.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { SyncOptions } from "../sync/rules.ts";
import { type Epochs, raisingEpochs, tenantCache } from "../tenancy/caching.ts";
import { contractOperations } from "../tenancy/contract-operations.ts";
import { keepCustomDomains } from "../tenancy/custom-domains.ts";
import { foreseeingTokens } from "../tenancy/foreseen-tokens.ts";
import { foreseeingUsers } from "../tenancy/foreseen-users.ts";
import { keepingGrants } from "../tenancy/kept-grants.ts";
import { keepingKeys } from "../tenancy/kept-keys.ts";
import { leasedAdapters } from "../tenancy/leased.ts";
import { type RoutingOptions, routed } from "../tenancy/routing.ts";
import { keepTenantOrganizations } from "../tenancy/tenant-organizations.ts";
import { createTxtResolver, type ResolveTxt } from "../tenancy/txt-records.ts";
import type { Traces } from "../traces/traces.ts";
import { type Adopt, type Adoption, createAdoption } from "./adoption.ts";
import { createAuditing } from "./auditing.ts";
import { startBackground } from "./background.ts";
import { type ControlPlane, inStartingOrder, openControlPlane } from "./control-plane.ts";
import { type CustomDomains, createCustomDomains } from "./custom-domains.ts";
import { createDirectory } from "./directory.ts";
import { createLending, type Inheritance, requireInheritance } from "./fallback.ts";
import { firstLoginText, writeFirstLogin } from "./first-login.ts";
import { createFleetJobs } from "./fleet-jobs.ts";
import { createFleetOperations, type FleetOperations } from "./fleet-operations.ts";
import { type Additions, type Behind, frontOver } from "./front.ts";
import { createLookups } from "./guarding.ts";
import { hostRules } from "./host-rules.ts";
import { knownInOutages } from "./last-known.ts";
import { mailingOver } from "./mail.ts";
import { aroundControlPlane, countedOutbox, sourcesOf, watchedLifecycle, watchedProviders } from "./observing.ts";
import { organizationOwners } from "./organizations.ts";
import { followOthers } from "./processes.ts";
import { createProviders } from "./providers.ts";
import { createReadiness } from "./readiness.ts";
import { hostExplanations } from "./resolution.ts";
import type { Siblings } from "./siblings.ts";
import { createTexting } from "./sms.ts";
import { createSync, type KeptTenants, keepTenants, type Sync } from "./sync.ts";
import { createTeam, ensureTeams, type FirstRights, type Team } from "./team.ts";
import { announcing } from "./tenant-life.ts";
import { createTenantMembers } from "./tenant-members.ts";
import { createOperationsService } from "./tenant-operations.ts";
import { createTenantPool } from "./tenant-pool.ts";
import { createTenantsService, purgeStatements } from "./tenants.ts";
import { createVersions } from "./versions.ts";

export interface RowhouseOptions extends FirstRights, Inheritance {
  readonly config: Config;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Looks up what proves a custom domain. Default: asks `DNS_SERVERS`. */
  readonly resolveTxt?: ResolveTxt;
  /** What of the control plane tenants get; false for nothing. Default: everything that is meant for them. */
  readonly sync?: SyncOptions | false;
  /** False for a house that does only what it is asked for, as a single command needs it. Default: true. */
  readonly background?: boolean;
  /** What goes on with the adoption of tenants. Default: nothing, they wait. */
  readonly adopt?: Adopt | undefined;
  /** What is counted and measured. Default: nothing. */
  readonly metrics?: Metrics | undefined;
  /** What is traced. Default: nothing. */
  readonly traces?: Traces | undefined;
  /** Who serves beside this process in the same program. Default: nobody. */
  readonly siblings?: Siblings | undefined;
}

export interface Rowhouse {
  /** Answers a request; the second argument is what `@hono/node-server` gives. */
  fetch(request: Request, env?: object): Response | Promise<Response>;
  /** What the server answers before it makes a `Request`; null for what is for `fetch`. */
  atOnce(asked: Asked): AnsweredAtOnce | null;
  /** What AuthHero serves behind the front: every route, with Hono's parameters in its path. */
  readonly routes: readonly Route[];
  /** What to tell the operator, on the first start only. */
  readonly firstLogin: string | null;
  /** What is done to many tenants at once. */
  readonly fleet: FleetService;
  /** Begins, or goes on with, the adoption of a tenant. */
  readonly adoption: Adoption;
  /** Ends background work and closes every database. Requests must have ended before. */
  close(): Promise<void>;
}

/** Mails that are sent behind their answers: more would be a flood, and each holds a connection. */
export const PENDING_MAX = 200;

/** The service: its control plane and its providers are what the configuration says. */
export async function createRowhouse(options: RowhouseOptions): Promise<Rowhouse> {
  requireInheritance(options);
  const { config, clock = systemClock } = options;
  const { log, siblings } = options;
  const around = aroundControlPlane(options);
  const controlPlane = await openControlPlane(config, { clock, log, around, changed: siblings?.tell });
  let firstLogin: string | null = null;
  const house = await openHouse(controlPlane, {
    ...options,
    clock,
    providers: watchedProviders(createProviders(config), options),
    provider: config.PROVIDER,
    async keepLogin(login) {
      firstLogin = firstLoginText(login, config.ISSUER);
      await writeFirstLogin(config.DATA_DIR, firstLogin);
    },
  });
  return { ...house, firstLogin };
}

export interface HouseOptions
  extends Required<Pick<RowhouseOptions, "config" | "log" | "clock">>,
    Pick<RowhouseOptions, "resolveTxt" | "sync" | "background" | "metrics" | "traces" | "siblings" | "adopt">,
    FirstRights,
    Inheritance {
  /** Where databases are, by name. */
  readonly providers: Providers;
  /** Where those of new tenants are to be. */
  readonly provider: string;
  /** Keeps the first administrator's login where the operator finds it; what it throws leaves nothing behind. */
  readonly keepLogin: (login: FirstLogin) => Promise<void>;
  readonly additions?: Additions;
}

export interface House extends Omit<Rowhouse, "firstLogin" | "fleet" | "adoption"> {
  /** A tenant's own adapters, which may be kept. Throws `not_found` (`tenant_not_found`). */
  adaptersOf(tenantId: string): Promise<DataAdapters>;
}

/** Opens the whole house over a control plane: tenants' databases, AuthHero, and the front around it. */
export async function openHouse(
  controlPlane: ControlPlane,
  options: HouseOptions,
): Promise<House & Pick<Rowhouse, "fleet" | "adoption">> {
  const { config, log, clock, providers, provider, keepLogin, metrics, traces, additions = {}, ...others } = options;
  const { resolveTxt = createTxtResolver(config.DNS_SERVERS), sync: shared, background = true, ...rights } = others;
  const sync = createSync(controlPlane, shared);
  await furnish(controlPlane, { config, keepLogin, rights });
  const life = createTenantLife(controlPlane, additions.hooks ?? []);
  const auditing = createAuditing(controlPlane, clock);
  const lenderOf = createLending(controlPlane, {
    ...{ inheritance: options, clock },
    onStore: (tenantId, call) => onStore(tenantId, call),
  });
  const inheritedOf = inheritedSettings(options.settingsInheritance, lenderOf);
  const mailing = mailingOver(controlPlane, (id, call) => pool.use(id, call), { config, clock, lenderOf });
  const team = createTeam(controlPlane, { config, mailing, ...rights });
  const { pool, onStore, lifecycle, journal, keys, fleet, jobs, kept } = await openTenants(controlPlane, {
    ...{ config, log, clock, providers, life, sync, metrics, traces, adopt: options.adopt },
    ...{ witness: auditing.witness, team },
  });
  let upkeep: Upkeep | undefined;
  const left = () => upkeep?.tidy();
  const following = followOthers(controlPlane, { pool, fleet, log, clock, left, shared: kept.heard });
  options.siblings?.listen(following.turn);
  const pending = createPending(PENDING_MAX);
  const smsService = createTexting({ data: () => data, lenderOf, mailbox: mailing.mailbox });
  const services = { cache: createCache({ clock }), emailService: mailing.service, smsService };
  const routing = routingTo(controlPlane, pool, services, (tenantId) => upkeep?.wake(tenantId));
  const operationsFace = contractOperations({ ...routing, journal, fleet: fleet.history });
  const authAdapters = routed({ ...authRouting(controlPlane, routing), operations: operationsFace });
  const own = raisingEpochs(kept.announced(authAdapters), epochsOf(controlPlane));
  const data: DataAdapters = foreseeingUsers(
    keepingGrants(foreseeingTokens(withSettings(withFallback(own, lenderOf, DEFAULT_THEME), inheritedOf))),
  );
  const domains = createCustomDomains(controlPlane, { rules: hostRules(config, additions), resolveTxt, clock });
  const fleetOperations = createFleetOperations({ fleet, jobs, controlPlane, clock, log, takesUp: background });
  const { front, routes, adoption } = houseFront(controlPlane, {
    ...{ config, log, clock, data, lifecycle, journal, routing, lenderOf, inheritedOf, kept },
    ...{ fleetOperations, mailing, pending, team, providers, provider, life, domains, additions },
    audit: auditing.noting(authAdapters),
    begun: metrics?.requestBegun,
    trace: traces?.request,
    readiness: createReadiness(controlPlane, { heardAt: following.heardAt, clock }),
  });

  const needs = { lifecycle, jobs, fleet, kept, keys, auditing, domains, log, clock };
  const work = background ? startBackground(controlPlane, { ...needs, data: countedOutbox(data, metrics) }) : null;
  upkeep = work?.upkeep;
  metrics?.readFrom(
    sourcesOf(controlPlane, {
      ...{ pool, poolPlaces: config.POOL_MAX_OPEN, outboxTenants: () => upkeep?.waiting() ?? 0, clock },
      ...{ heardAt: following.heardAt, sharedVersion: kept.job.version },
    }),
  );

  return {
    ...front,
    routes,
    ...{ fleet: fleetOperations, adoption },
    async adaptersOf(tenantId) {
      if (tenantId === controlPlane.tenantId) return controlPlane.adapters;
      // Whether it is there is found out now, and again at each call.
      await pool.use(tenantId, () => Promise.resolve());
      return leasedAdapters(controlPlane.adapters, (call) => pool.use(tenantId, call));
    },
    async close() {
      await pending.idle();
      await fleetOperations.stop();
      await work?.stop();
      await pool.close();
      await following.stop();
      await controlPlane.close();
    },
  };
}

interface Furnishing extends Pick<HouseOptions, "config" | "keepLogin"> {
  readonly rights: FirstRights;
}

/** What a first start makes, and every later one keeps as it has to be. */
async function furnish(controlPlane: ControlPlane, { config, keepLogin, rights }: Furnishing): Promise<void> {
  const { adapters, tenantId } = controlPlane;
  await inStartingOrder(controlPlane, async () => {
    await seedControlPlane(adapters, { tenantId, issuer: new URL(config.ISSUER), deliver: keepLogin });
    await ensureLifecycleScopes(adapters, tenantId);
    await ensureTeams(controlPlane, config.CONSOLE_CALLBACKS, rights);
  });
}

interface Opening
  extends Pick<HouseOptions, "config" | "log" | "clock" | "providers" | "metrics" | "traces" | "adopt"> {
  readonly witness: Witness;
  readonly team: Team;
  readonly life: TenantLife;
  readonly sync: Sync;
}

/** The databases of the tenants, and what makes and removes them. */
async function openTenants(controlPlane: ControlPlane, opening: Opening) {
  const { config, log, clock, providers, witness, team, life, sync, traces, adopt } = opening;
  const { registry, database, adapters, keyRing, process, processes } = controlPlane;
  const { POOL_MAX_OPEN: maxOpen, POOL_IDLE_MS: idleMs } = config;
  const { pool, template, openTenant, storeOf, onStore, reachedAtOpening } = await createTenantPool({
    ...{ registry, providers, keyRing, maxOpen, idleMs, clock },
  });
  const journal = createJournal({ database, clock, process, witness });
  const keys = createKeyReserve({ database, keyRing, clock, generate: generateSigningKey });
  const fleet = createFleet({ registry, database, clock, log, process, witness, around: traces?.turn });
  const { created, deleted } = announcing({ controlPlane, life, journal, openTenant });
  const lifecycle = createLifecycle({
    registry,
    journal,
    processes,
    providers,
    pool: {
      // A migration under way uses the database, too.
      evict: async (tenantId) => void (await Promise.all([pool.evict(tenantId), fleet.settled(tenantId)])),
    },
    template,
    steps: {
      organization: team.organizationOf,
      invite: team.invite,
      ...(adopt && {
        adopt: ({ database, placement }) =>
          adopt({ tenantId: placement.tenantId, store: storeOf(database, placement), controlPlane }),
      }),
      signingKey: ({ placement }) => ensureTenantKey(adapters.keys, placement.tenantId, keys.take),
      seedDefaults: (made) => seedTenantDefaults(openTenant(made.database, made.placement), made.placement.tenantId),
      syncEntities: (made) => sync.furnish(storeOf(made.database, made.placement), made.placement),
      verify: (made) => verifyTenantDefaults(openTenant(made.database, made.placement), made.placement.tenantId),
      ...(created && { created }),
    },
    ...(deleted && { deleted }),
    purgeStatements: (placement) => [...purgeStatements(controlPlane, placement), team.forgetting(placement.tenantId)],
    undeleteDays: config.UNDELETE_DAYS,
    ...watchedLifecycle(opening),
    clock,
  });
  const kept: KeptTenants = keepTenants(controlPlane, {
    ...{ sync, useStore: onStore, reachedAtOpening, fleet, jobs: () => jobs, log, clock },
  });
  const needs = { controlPlane, providers, template, lifecycle, journal, clock, sync: kept.job, ...team };
  const jobs = createFleetJobs(needs);
  return { pool, onStore, lifecycle, journal, keys, fleet, jobs, kept };
}

function routingTo(
  { tenantId, adapters, registry }: ControlPlane,
  pool: Pool<DataAdapters>,
  services: NonNullable<RoutingOptions["services"]> & { readonly cache: CacheAdapter },
  outboxWritten: (tenantId: string) => void,
): Omit<RoutingOptions, "surface"> {
  return {
    controlPlaneTenantId: tenantId,
    controlPlane: adapters,
    directory: createDirectory(registry),
    withChild: (child, call) => pool.use(child, call),
    outboxWritten,
    services: { ...services, cache: tenantCache(services.cache, createVersions(registry, tenantId).versionOf) },
  };
}

/** For the flows in which people and programs sign in: they go on for a while without the control plane. */
const authRouting = (controlPlane: ControlPlane, routing: Omit<RoutingOptions, "surface">): RoutingOptions => ({
  ...routing,
  controlPlane: knownInOutages(controlPlane),
  surface: "auth",
});

/** What others do not hear of must not be written. */
const epochsOf = ({ registry, outage }: ControlPlane): Epochs => ({
  raise: registry.raiseEpoch,
  requireRaisable: outage.requireReachable,
});

interface HouseBehind
  extends Pick<HouseOptions, "config" | "log" | "clock" | "providers" | "provider">,
    Pick<Behind, "data" | "mailing" | "pending" | "audit" | "additions" | "begun" | "readiness" | "trace"> {
  readonly lifecycle: Lifecycle;
  readonly journal: Journal;
  readonly routing: Omit<RoutingOptions, "surface">;
  readonly fleetOperations: FleetOperations;
  readonly team: Team;
  readonly domains: CustomDomains;
  readonly life: TenantLife;
  readonly lenderOf: LenderOf;
  readonly inheritedOf: InheritedSettingsOf;
  readonly kept: KeptTenants;
}

/** What the registry adds to the front. */
function houseFront(controlPlane: ControlPlane, behind: HouseBehind) {
  const { config, clock, data, lifecycle, journal, routing, mailing, domains, additions } = behind;
  const { lenderOf, inheritedOf } = behind;
  const { tenantId, registry } = controlPlane;
  const operations = createOperationsService({ journal, lifecycle, registry, controlPlaneTenantId: tenantId });
  const making = {
    ...{ controlPlane, lifecycle, journal, rules: hostRules(config, additions), clock, team: behind.team },
    ...{ provider: behind.provider, providers: behind.providers, life: behind.life, inheritedOf },
  };
  const tenants = createTenantsService({
    ...making,
    data,
    originOf: domains.originOf,
    mailSource: mailing.sourceOf,
  });
  const announced = behind.kept.announced(routed({ ...routing, surface: "management" }));
  const routedManagement = raisingEpochs(announced, epochsOf(controlPlane));
  const keeping = keepingKeys(routedManagement, clock);
  const management = keepTenantOrganizations(
    keepCustomDomains(withSettings(withSystemScopes(keeping, lenderOf), inheritedOf), domains.desk),
    tenantId,
    organizationOwners(controlPlane),
  );
  const served = frontOver({
    ...behind,
    management,
    services: {
      tenants,
      operations,
      fleet: behind.fleetOperations,
      explainHost: hostExplanations(controlPlane, behind),
    },
    states: { ownerOf: registry.directories.tenantOfState },
    ...createVersions(registry, tenantId),
    lookups: createLookups(controlPlane, data, clock),
    outboxWritten: (id) => routing.outboxWritten?.(id),
    tenantMembers: createTenantMembers(controlPlane, { config, team: behind.team }),
    bringUpToDate: behind.kept.bringUpToDate,
  });
  return { ...served, adoption: createAdoption(making) };
}
