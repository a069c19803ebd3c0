import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { Fleet } from "../../provisioning/fleet.ts";
import { syncHindrance, TARGET } from "../../provisioning/fleet-sync.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { isOperatorsScope, LIFECYCLE_SCOPES, MANAGEMENT_API_AUDIENCE } from "../auth/management-api.ts";
import type { Clock } from "../domain/clock.ts";
import type { Store } from "../entities/store.ts";
import type { Logger } from "../log/logger.ts";
import { announcingChanges } from "../sync/announcing.ts";
import { applyShared } from "../sync/apply.ts";
import { readShared } from "../sync/control-plane.ts";
import { createKeeper, type Keeper, type KeeperOptions } from "../sync/keeper.ts";
import { readHead } from "../sync/log.ts";
import { readProposed, SyncChange } from "../sync/proposal.ts";
import type { SyncOptions, SyncRules } from "../sync/rules.ts";
import type { Shared } from "../sync/shared.ts";
import type { ControlPlane } from "./control-plane.ts";
import { everyPlacement } from "./every-placement.ts";
import type { FleetJobs } from "./fleet-jobs.ts";
import { findingsIn, planFindingsIn } from "./sync-findings.ts";
import { createSyncRounds } from "./sync-rounds.ts";

/** AuthHero's own, made when the control plane is set up. */
const ADMIN_ROLE = "Tenant Admin";

const NOTHING: SyncOptions = { resourceServers: false, roles: false, connections: false };

/** On the control plane they are about tenants; in a tenant they would be about nothing. */
const LIFECYCLE: ReadonlySet<string> = new Set(LIFECYCLE_SCOPES.map(({ value }) => value));

/** The rules of options, with what never leaves a control plane. */
export const rulesOf = (options: SyncOptions): SyncRules => ({
  ...options,
  managementAudience: MANAGEMENT_API_AUDIENCE,
  adminRole: ADMIN_ROLE,
  isOperatorsScope: (scope) => isOperatorsScope(scope) || LIFECYCLE.has(scope),
});

/** What of the control plane its tenants get. */
export function createSync({ store, tenantId }: ControlPlane, options: SyncOptions | false = {}) {
  const rules = rulesOf(options || NOTHING);
  const onCollision = rules.onCollision ?? "keep";
  const read = () => readShared(store, tenantId, rules);

  return {
    isOff: options === false,
    onCollision,
    inlineTenants: rules.inlineTenants,
    readHead: () => readHead(store, tenantId),
    readShared: read,
    readProposed: (change: SyncChange | null) => readProposed(store, tenantId, rules, change),

    /** Gives a new tenant what is shared now. Repeating it is harmless. */
    async furnish(child: Store, { tenantId: childId }: Placement): Promise<void> {
      await applyShared(child, childId, await read(), onCollision);
    },
  };
}

export type Sync = ReturnType<typeof createSync>;

interface Keeping {
  readonly sync: Sync;
  /** Runs work on a tenant's open database: the same store for as long as it stays open. */
  readonly useStore: <T>(tenantId: string, work: (store: Store) => Promise<T>) => Promise<T>;
  /** Up to where a tenant had come when its database was opened, if anybody has looked. */
  readonly reachedAtOpening: NonNullable<KeeperOptions["reachedAtOpening"]>;
  readonly fleet: Fleet;
  /** Asked for when there is something to do: the jobs need what is made here. */
  readonly jobs: () => FleetJobs;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Keeps the tenants of this house at what is shared. */
export function keepTenants(
  { registry, tenantId: own }: ControlPlane,
  { sync, useStore, reachedAtOpening, fleet, jobs, log, clock }: Keeping,
) {
  const hindrance = syncHindrance((placement) => jobs().migrate().skips(placement));
  const keeper: Keeper = createKeeper({
    ...{ reachedAtOpening, log, clock, onCollision: sync.onCollision, inlineTenants: sync.inlineTenants },
    readHead: sync.readHead,
    readShared: sync.readShared,
    use: (tenantId, work) => useStore(tenantId, (store) => work({ tenantId, store })),
    record: registry.recordSynced,
    rest: () => rounds.wake(),

    async children(take) {
      const found: string[] = [];
      for await (const placement of everyPlacement(registry)) {
        if (found.length >= take) break;
        if (hindrance(placement) === null) found.push(placement.tenantId);
      }
      return found;
    },
  });
  const rounds = createSyncRounds(async (signal) => {
    await keeper.heard();
    // Null: another process is at it, and may have begun before the last change.
    return (await fleet.run({ ...jobs().sync(), signal }))?.failed === 0;
  }, log);

  return {
    job: {
      hindrance,
      bring: keeper.bring,
      version: () => keeper.head()?.version ?? null,
      look: async (tenantId: string) => findingsIn(await keeper.look(tenantId)),
      repair: async (tenantId: string) => void (await keeper.repair(tenantId)),

      proposed(target: string) {
        // Read once for all tenants.
        let kept: Promise<Shared> | undefined;
        const change = target === TARGET ? null : SyncChange.parse(JSON.parse(target));
        const shared = () => {
          kept ??= sync.readProposed(change).catch((error: unknown) => {
            kept = undefined;
            throw error;
          });
          return kept;
        };
        return {
          requirePossible: shared,
          plan: async (tenantId: string) => planFindingsIn(tenantId, await keeper.plan(tenantId, await shared())),
        };
      },
    },
    bringUpToDate: sync.isOff ? undefined : keeper.current,
    heard: () => (sync.isOff ? Promise.resolve() : keeper.heard()),
    /** Adapters whose changes of what is shared reach the tenants before they are answered. */
    announced: (adapters: DataAdapters) => (sync.isOff ? adapters : announcingChanges(adapters, own, keeper.changed)),
    /** Gives existing tenants what they lack, behind the requests. */
    start: () => (sync.isOff ? undefined : rounds.wake()),
    stop: rounds.stop,
  };
}

export type KeptTenants = ReturnType<typeof keepTenants>;
