import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { TenantHooks } from "../auth/tenant-hooks.ts";
import { within } from "../domain/within.ts";
import type { Logger } from "../log/logger.ts";
import { announcingChanges } from "../sync/announcing.ts";
import type { SyncOptions } from "../sync/rules.ts";
import { createRounds } from "./sync-hooks.ts";
import { createSyncRounds } from "./sync-rounds.ts";

/** Whoever changes something waits no longer than this; the rest goes on behind the answer. */
const INLINE_MS = 2_000;

interface Keeping {
  readonly controlPlaneTenantId: string;
  readonly adapters: DataAdapters;
  /** A tenant's own adapters. */
  readonly own: (tenantId: string) => Promise<DataAdapters>;
  readonly childIds: () => Promise<readonly string[]>;
  readonly sync?: SyncOptions | false | undefined;
  readonly log: Logger;
}

/**
 * Keeps tenants at what is shared without a registry: after each change of it, and once at the start. Whoever could not
 * be reached is tried again for as long as the process lives; the next start does it anyway.
 */
export function keepPlainTenants({ controlPlaneTenantId, adapters, own, childIds, sync = {}, log }: Keeping) {
  if (sync === false) {
    const announced = (adapters: DataAdapters) => adapters;
    return { announced, hooks: [], start: () => undefined, stop: () => Promise.resolve() };
  }
  const { filters, onCollision, ...kinds } = sync;
  const rounds = createRounds({
    controlPlaneTenantId,
    getChildTenantIds: childIds,
    getAdapters: own,
    getControlPlaneAdapters: () => adapters,
    ...{ sync: kinds, ...(filters && { filters }), ...(onCollision && { onCollision }) },
    onError: (tenant, error) => log.warn("sync.failed", { tenant, error }),
    onCollided: (tenant, collisions) => log.warn("sync.collided", { tenant, collisions }),
  });
  const isAllDone = async () => (await rounds.changed()).length === 0;
  const later = createSyncRounds(isAllDone, log);
  const round = async (): Promise<void> => {
    const isDone = await isAllDone().catch((error: unknown) => {
      log.error("sync.failed", { error });
      return false;
    });
    if (!isDone) later.wake();
  };
  const furnishing: TenantHooks = { afterCreate: (_context, { id }) => rounds.furnish(id) };

  return {
    /** Adapters whose changes of what is shared reach the tenants before they are answered, as far as anybody can wait. */
    announced: (routed: DataAdapters) =>
      announcingChanges(routed, controlPlaneTenantId, async () => void (await within(INLINE_MS, round()))),
    hooks: [furnishing],
    /** Gives existing tenants what they lack, behind the requests. */
    start: () => void round(),
    /** Settles when no tenant is being brought forward, and none will be. */
    async stop(): Promise<void> {
      await later.stop();
      await rounds.idle();
    },
  };
}
