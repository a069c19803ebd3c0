import { emitWarning } from "node:process";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import * as z from "zod";
import type { TenantHooks } from "../auth/tenant-hooks.ts";
import { callable, requireOptions } from "../domain/options.ts";
import { applyOver, stockOf } from "../sync/over-adapters.ts";
import type { Collision } from "../sync/plan.ts";
import type { SyncFilters, SyncKinds } from "../sync/rules.ts";
import { type Shared, shareOf } from "../sync/shared.ts";
import { rulesOf } from "./sync.ts";

const CALLER = "createSyncHooks";

/** What `createSyncHooks` needs to know. */
export interface SyncHooksConfig {
  readonly controlPlaneTenantId: string;
  readonly getChildTenantIds: () => readonly string[] | Promise<readonly string[]>;
  readonly getAdapters: (tenantId: string) => DataAdapters | Promise<DataAdapters>;
  readonly getControlPlaneAdapters: () => DataAdapters | Promise<DataAdapters>;
  /** Which kinds are shared; each by default. A kind that is not has no hooks. */
  readonly sync?: SyncKinds;
  readonly filters?: SyncFilters;
  /** What becomes of a tenant's own entity that stands where a shared one belongs. Default: it is kept, and told of. */
  readonly onCollision?: "keep" | "adopt";
  /** Told of what a tenant cannot have, each time it is looked at. Default: a process warning. */
  readonly onCollided?: (tenantId: string, collisions: readonly SyncCollision[]) => void;
  /** Told of a tenant that could not be brought forward; the next change tries again. Default: a process warning. */
  readonly onError?: (tenantId: string, error: unknown) => void;
}

/** A shared entity that a tenant cannot have, because one of its own has that name or identifier. */
export type SyncCollision = Collision;

interface Context {
  readonly tenantId: string;
}

interface ChangeHooks {
  readonly afterCreate: (context: Context, ...rest: unknown[]) => Promise<void>;
  readonly afterUpdate: (context: Context, ...rest: unknown[]) => Promise<void>;
  readonly afterDelete: (context: Context, ...rest: unknown[]) => Promise<void>;
}

/** In the shape of AuthHero's `entityHooks`, where each stands in a list. */
export interface SyncEntityHooks {
  readonly resourceServers?: ChangeHooks;
  readonly roles?: ChangeHooks;
  readonly connections?: ChangeHooks;
  readonly rolePermissions?: {
    readonly afterAssign: (context: Context, ...rest: unknown[]) => Promise<void>;
    readonly afterRemove: (context: Context, ...rest: unknown[]) => Promise<void>;
  };
}

/**
 * Hooks that keep the tenants of an app of one's own at what its control plane shares, through adapters of whatever
 * kind. Each change compares every tenant as a whole, so what failed is made good by the next. Without a log of its
 * own it is eventual; the house of `initMultiTenant` needs none of this.
 */
export function createSyncHooks(config: SyncHooksConfig): {
  readonly entityHooks: SyncEntityHooks;
  readonly tenantHooks: Required<Pick<TenantHooks, "afterCreate">>;
} {
  requireOptions(CALLER, Options, config);
  const { controlPlaneTenantId: own, sync = {} } = config;
  const rounds = createRounds(config);
  const changed = async ({ tenantId }: Context): Promise<void> => {
    if (tenantId === own) await rounds.changed();
  };

  const hooks: ChangeHooks = { afterCreate: changed, afterUpdate: changed, afterDelete: changed };
  const { resourceServers = true, roles = true, connections = true } = sync;
  return {
    entityHooks: {
      ...(resourceServers && { resourceServers: hooks }),
      ...(roles && { roles: hooks, rolePermissions: { afterAssign: changed, afterRemove: changed } }),
      ...(connections && { connections: hooks }),
    },
    tenantHooks: {
      // A creation that fails here is tried again.
      afterCreate: (_context, { id }) => rounds.furnish(id),
    },
  };
}

/** Compares tenants with what is shared, one round after the other: an older state never comes behind a newer one. */
export function createRounds(config: SyncHooksConfig) {
  const { controlPlaneTenantId: own, getAdapters, sync = {}, filters, onCollision = "keep" } = config;
  const { onError = warn, onCollided = warnOfCollisions } = config;
  const rules = rulesOf({ ...sync, ...(filters && { filters }) });
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<readonly string[]> | undefined;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
  const shared = async (): Promise<Shared> =>
    shareOf(rules, await stockOf(await config.getControlPlaneAdapters(), own));
  const bring = async (child: string, target: Shared): Promise<void> => {
    const collisions = await applyOver(await getAdapters(child), child, target, onCollision);
    if (collisions.length > 0) onCollided(child, collisions);
  };

  const bringAll = async (): Promise<readonly string[]> => {
    const target = await shared();
    const missed: string[] = [];
    for (const child of await config.getChildTenantIds()) {
      if (child === own) continue;
      try {
        await bring(child, target);
      } catch (error) {
        // It has happened on the control plane: one tenant must not fail it, nor keep the others waiting.
        missed.push(child);
        onError(child, error);
      }
    }
    return missed;
  };

  return {
    /**
     * Brings everybody forward, and answers the ids of those whom it could not. Who asks while a round is on is served
     * by the next one, together with others.
     */
    changed(): Promise<readonly string[]> {
      waiting ??= inTurn(async () => {
        waiting = undefined;
        return await bringAll();
      });
      return waiting;
    },

    /** Gives a new tenant everything. */
    furnish: (child: string): Promise<void> => inTurn(async () => await bring(child, await shared())),

    /** Settles when nobody is being brought forward. */
    idle: async (): Promise<void> => void (await last),
  };
}

const kinds = <T extends z.ZodType>(each: T) => ({ resourceServers: each, roles: each, connections: each });

const Options = z.strictObject({
  controlPlaneTenantId: z.string().min(1),
  getChildTenantIds: callable(),
  getAdapters: callable(),
  getControlPlaneAdapters: callable(),
  sync: z.strictObject(kinds(z.boolean().optional())).optional(),
  filters: z.strictObject(kinds(callable().optional())).optional(),
  onCollision: z.enum(["keep", "adopt"]).optional(),
  onCollided: callable().optional(),
  onError: callable().optional(),
});

function warn(tenantId: string, error: unknown): void {
  // The error itself may say what nobody should read in a log.
  const kind = error instanceof Error ? error.name : "an error";
  emitWarning(`${CALLER}: the tenant ${tenantId} could not be brought forward (${kind}); the next change tries again`);
}

function warnOfCollisions(tenantId: string, collisions: readonly SyncCollision[]): void {
  const named = collisions.map(({ kind, label }) => `${kind} ${label}`).join(", ");
  emitWarning(`${CALLER}: the tenant ${tenantId} has its own in the place of what is shared: ${named}`);
}
