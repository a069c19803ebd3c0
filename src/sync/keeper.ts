import type { Clock } from "../domain/clock.ts";
import { within } from "../domain/within.ts";
import type { Store } from "../entities/store.ts";
import type { Logger } from "../log/logger.ts";
import { applyShared, isAt, type SharedVersion } from "./apply.ts";
import { type Reached, reachedBy, readChild } from "./child.ts";
import type { Head } from "./log.ts";
import { type Plan, planFor } from "./plan.ts";
import type { Shared } from "./shared.ts";

/** Whoever changes something waits for so many tenants by default, and no longer than this. */
const INLINE_TENANTS = 25;
const INLINE_MS = 2_000;

/** Enough to keep a disk or a network busy. */
const CONCURRENCY = 8;

/** A tenant that could not be brought forward is tried again after this. */
const RETRY_MS = 1_000;

/** A child as it is worked on: its open database, and which incarnation of which tenant that is. */
export interface OpenChild {
  readonly tenantId: string;
  readonly store: Store;
}

export interface KeeperOptions {
  readonly readHead: () => Promise<Head>;
  readonly readShared: () => Promise<SharedVersion>;
  readonly onCollision: "keep" | "adopt";
  /** Runs work on a child's open database, which stays open meanwhile. */
  readonly use: <T>(tenantId: string, work: (child: OpenChild) => Promise<T>) => Promise<T>;
  /** Up to where a child had come when its database was opened, where somebody has looked already. */
  readonly reachedAtOpening?: (store: Store) => Reached | undefined;
  /** The ids of children that can be brought forward now; no more than asked for. */
  readonly children: (take: number) => Promise<readonly string[]>;
  /** Notes up to which version children have come, and which of them have changed on the way. */
  readonly record: (version: number, tenantIds: readonly string[], changed: readonly string[]) => Promise<void>;
  /** Lets a job bring all others forward, behind the requests. */
  readonly rest: () => void;
  /** For how many children whoever changes something waits. Default: 25. */
  readonly inlineTenants?: number | undefined;
  /** How long whoever changes something waits, in milliseconds. Default: two seconds. */
  readonly inlineMs?: number;
  readonly log: Pick<Logger, "warn" | "error">;
  readonly clock: Clock;
}

/** Keeps children at what the control plane shares: at once where somebody waits, and behind the requests elsewhere. */
export function createKeeper(options: KeeperOptions) {
  const { log, rest, inlineTenants = INLINE_TENANTS } = options;
  const memory = createMemory(options);
  const forward = createForwarding(options, memory);
  const plan = async (tenantId: string, shared: Shared): Promise<Plan> => {
    const { child } = await options.use(tenantId, (open) => readChild(open.store, open.tenantId, shared));
    return planFor(shared, child, options.onCollision);
  };

  return {
    /** The version that children are to have, as far as this process has heard; null before it was ever asked. */
    head: memory.head,

    /**
     * Brings a child forward before it is used, if it is behind. False when it is known to be behind and could not be
     * brought forward; true also when nobody knows, because the control plane does not answer. Does not throw.
     */
    async current(tenantId: string): Promise<boolean> {
      if (!forward.isDue(tenantId)) return !forward.isBehind(tenantId);
      try {
        await forward.one(tenantId);
        return true;
      } catch (error) {
        log.warn("sync.behind", { tenant: tenantId, error });
        rest();
        return !forward.isBehind(tenantId);
      }
    },

    /** Brings one child forward, and notes where it is. Throws what its database throws. */
    bring: forward.noting,

    /** What would make a child equal to what is shared now, whatever version it is noted under. Nothing changes. */
    look: async (tenantId: string): Promise<Plan> => await plan(tenantId, (await memory.newest()).shared),

    /** The same for what is to be shared. */
    plan,

    /** Makes it equal, and returns what there was to do. */
    async repair(tenantId: string): Promise<Plan> {
      const target = await memory.newest();
      const plan = await options.use(tenantId, (open) =>
        applyShared(open.store, open.tenantId, target, options.onCollision),
      );
      await options.record(target.version, [tenantId], plan.changes.length > 0 ? [tenantId] : []);
      return plan;
    },

    /** Something that is shared was changed here: children get it now, as far as anybody can wait. Does not throw. */
    async changed(): Promise<void> {
      try {
        await memory.refresh();
        const children = await options.children(inlineTenants + 1);
        const inline = children.slice(0, inlineTenants);
        const done = await within(options.inlineMs ?? INLINE_MS, forward.several(inline));
        if (children.length > inlineTenants || done !== inline.length) rest();
      } catch (error) {
        // It has happened, and is in the log: every process hears of it.
        log.error("sync.not_pushed", { error });
        rest();
      }
    },

    /** Something may have changed elsewhere. Does not throw. */
    async heard(): Promise<void> {
      try {
        if (await memory.refresh()) rest();
      } catch (error) {
        log.warn("sync.not_heard", { error });
        memory.forget();
      }
    },
  };
}

export type Keeper = ReturnType<typeof createKeeper>;

/** What this process knows of the control plane. */
function createMemory({ readHead, readShared }: KeeperOptions) {
  let head: Head | null = null;
  let kept: Promise<SharedVersion> | null = null;

  const remember = async (found: Head): Promise<boolean> => {
    const isNew = head !== null && !isAt(head, found);
    head = { epoch: found.epoch, version: found.version };
    if (kept && !isAt(await kept.catch(() => ({ epoch: "", version: 0 })), head)) kept = null;
    return isNew;
  };

  /** What is shared, at the version that is known or newer; read once for all who ask. */
  const shared = async (): Promise<SharedVersion> => {
    kept ??= readShared();
    const reading = kept;
    try {
      const found = await reading;
      head = { epoch: found.epoch, version: found.version };
      return found;
    } catch (error) {
      if (kept === reading) kept = null;
      throw error;
    }
  };

  /**
   * Asks where what is shared stands now; returns whether there may be something new. The first time what is shared is
   * read, too: under other rules than those of an earlier start a version is another, and nothing else would show it.
   */
  const refresh = async (): Promise<boolean> => {
    if (head) return await remember(await readHead());
    await shared();
    return true;
  };

  return {
    head: () => head,
    /** Where what is shared stands, as far as this process has heard. */
    known: async (): Promise<Head> => head ?? (await shared()),
    refresh,
    forget() {
      head = null;
      kept = null;
    },

    /** What is shared now. */
    async newest(): Promise<SharedVersion> {
      await refresh();
      return await shared();
    },

    shared,
  };
}

type Memory = ReturnType<typeof createMemory>;

/** Where a child is, and what was done for that; null when it was there already. */
interface Forwarded {
  readonly version: number;
  readonly plan: Plan | null;
}

/** How one child is brought forward, once for all who ask. */
function createForwarding({ use, reachedAtOpening, record, onCollision, clock }: KeeperOptions, memory: Memory) {
  /** By open database: what is opened anew may be another one, and says itself how far it is. */
  const reached = new WeakMap<Store, Reached>();
  const underWay = new WeakMap<Store, Promise<Forwarded>>();
  const failures = createFailures(clock);

  const catchUp = async ({ tenantId, store }: OpenChild): Promise<Forwarded> => {
    const head = await memory.known();
    const known = reached.get(store) ?? reachedAtOpening?.(store) ?? (await reachedBy(store, tenantId));
    if (known && isAt(known, head)) {
      reached.set(store, known);
      return { version: known.version, plan: null };
    }
    const target = await memory.shared();
    const plan = await applyShared(store, tenantId, target, onCollision).catch(failures.whileBehind);
    reached.set(store, { epoch: target.epoch, version: target.version });
    return { version: target.version, plan };
  };

  const once = (child: OpenChild): Promise<Forwarded> => {
    const going = underWay.get(child.store);
    if (going) return going;
    const started = catchUp(child).finally(() => underWay.delete(child.store));
    underWay.set(child.store, started);
    return started;
  };

  const bring = async (tenantId: string): Promise<Forwarded> => {
    try {
      const forwarded = await use(tenantId, once);
      failures.forget(tenantId);
      return forwarded;
    } catch (error) {
      failures.remember(tenantId, error);
      throw error;
    }
  };

  /** With one statement for all of them. */
  const note = async (all: ReadonlyMap<string, Forwarded>): Promise<void> => {
    if (all.size === 0) return;
    const changed = [...all].filter(([, { plan }]) => plan && plan.changes.length > 0).map(([tenantId]) => tenantId);
    const version = Math.min(...[...all.values()].map((forwarded) => forwarded.version));
    await record(version, [...all.keys()], changed);
  };

  return {
    isDue: failures.isDue,
    isBehind: failures.isBehind,

    /** Notes it only when there was something to do: every request asks. */
    async one(tenantId: string): Promise<void> {
      const forwarded = await bring(tenantId);
      if (forwarded.plan) await note(new Map([[tenantId, forwarded]]));
    },

    async noting(tenantId: string): Promise<void> {
      await note(new Map([[tenantId, await bring(tenantId)]]));
    },

    /** Several at a time; returns how many are where they should be. One that fails does not hold up the others. */
    async several(tenantIds: readonly string[]): Promise<number> {
      const all = new Map<string, Forwarded>();
      const line = tenantIds.values();
      const worker = async () => {
        for (const tenantId of line) {
          const forwarded = await bring(tenantId).catch(() => null);
          if (forwarded) all.set(tenantId, forwarded);
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, worker));
      await note(all);
      return all.size;
    },
  };
}

/** Failures of more tenants than this are not remembered. */
const FAILED_MAX = 10_000;

/** Which children could not be brought forward, when, and whether they were known to be behind. */
function createFailures(clock: Clock) {
  const failures = new Map<string, { readonly atMs: number; readonly isBehind: boolean }>();
  const behind = new WeakSet<object>();

  return {
    /** Marks what is thrown at a child that is behind, as opposed to before anybody knew that. */
    whileBehind(error: unknown): never {
      if (error instanceof Error) behind.add(error);
      throw error;
    },

    remember(tenantId: string, error: unknown): void {
      // What is forgotten is tried a moment sooner.
      if (failures.size >= FAILED_MAX) failures.clear();
      failures.set(tenantId, { atMs: clock().getTime(), isBehind: error instanceof Error && behind.has(error) });
    },

    forget: (tenantId: string): void => void failures.delete(tenantId),

    /** Whether it is to be tried again. */
    isDue: (tenantId: string) =>
      clock().getTime() - (failures.get(tenantId)?.atMs ?? Number.NEGATIVE_INFINITY) >= RETRY_MS,

    /** Whether it failed the last time although it was known to be behind. */
    isBehind: (tenantId: string) => failures.get(tenantId)?.isBehind === true,
  };
}
