import type { Database } from "../src/db/database.ts";
import { isUnreachable } from "../src/db/errors.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import { SERVED } from "../src/domain/tenants.ts";
import { openOwnedAsking, type Providers } from "./ownership.ts";
import type { Placement } from "./placements.ts";
import type { Location } from "./providers/provider.ts";
import type { Registry } from "./registry.ts";
import { createShelf, type DatabaseOf, type Lease, type ShelfStats } from "./shelf.ts";

/** Longer than a login holds on to its databases, shorter than a browser's patience. */
const WAIT_MS = 5_000;

export interface PoolOptions<T, A = undefined> {
  readonly registry: Pick<Registry, "get" | "read">;
  readonly providers: Providers;
  /** Reads what is wanted of every database that is opened, on the same way as whose it is. Must not write. */
  readonly ask?: (database: Database, placement: Placement) => Promise<A>;
  /** Makes what callers work with, typically adapters, from an open database. `answer`: what `ask` gave, if it did. */
  readonly openTenant: (database: Database, placement: Placement, answer: A | undefined) => T | Promise<T>;
  /** Runs before anybody gets a new entry; when it fails, the opening has failed. */
  readonly onOpen?: (entry: T, placement: Placement) => Promise<void>;
  /** As many databases are open at most, those being opened or closed included. */
  readonly maxOpen: number;
  /** One that nobody has used for so long is closed, in milliseconds. */
  readonly idleMs: number;
  /** How long a caller waits while all are in use, in milliseconds. */
  readonly waitMs?: number;
  readonly clock: Clock;
}

/**
 * The open databases of tenants, each opened once however many ask for it, and never closed under anybody's hands.
 *
 * An entry belongs to one incarnation and generation, so a tenant that was made anew never gets the old one's.
 */
export function createPool<T, A = undefined>(options: PoolOptions<T, A>) {
  const { registry, maxOpen, idleMs, waitMs = WAIT_MS, clock } = options;
  const shelf = createShelf({ open: (placement) => openEntry(options, placement), maxOpen, idleMs, waitMs, clock });
  const timer = setInterval(() => void shelf.sweep(), idleMs).unref();
  let closing: Promise<void> | undefined;

  const lease = async (tenantId: string): Promise<Lease<T>> => {
    const placement = requireServed(tenantId, await registry.get(tenantId));
    if (closing) throw new PlatformError("unavailable", "pool_closed", "The pool of databases is closed");
    // Nothing waits between the answer of the registry and this, so an eviction cannot slip in between.
    return await shelf.lease(placement);
  };

  return {
    /**
     * An entry to hold on to, for transactions. `not_found` (`tenant_not_found`); `unavailable` with
     * `tenant_not_ready`, `pool_exhausted`, `pool_closed`, `database_missing`, `database_mismatch`, or what the
     * provider said.
     */
    lease,

    /** Runs work on a tenant's entry, which stays open until the work has ended. Throws what `lease` throws. */
    async use<R>(tenantId: string, work: (entry: T, placement: Placement) => Promise<R>): Promise<R> {
      const held = await lease(tenantId);
      try {
        return await work(held.entry, held.placement);
      } catch (error) {
        // Whether it is there at all is found out once, and not by everybody who asks for it.
        if (isUnreachable(error)) held.distrust();
        throw error;
      } finally {
        held.release();
      }
    },

    /**
     * Closes what is open for a tenant, but for the database named by `keep`. Settles when nobody uses it any more;
     * who comes later opens it anew.
     */
    evict: (tenantId: string, keep?: DatabaseOf): Promise<void> => shelf.evict(tenantId, keep),

    /** Closes what nobody has used for `idleMs`. A timer calls it too. */
    sweep: (): Promise<void> => shelf.sweep(),

    /** Refuses whoever comes, and settles when everything is closed: what is in use, when it no longer is. */
    close(): Promise<void> {
      clearInterval(timer);
      closing ??= shelf.close();
      return closing;
    },

    stats: (): ShelfStats => shelf.stats(),
  };
}

export type Pool<T> = ReturnType<typeof createPool<T>>;

async function openEntry<T, A>(options: PoolOptions<T, A>, placement: Placement) {
  const { registry, providers, ask, openTenant, onOpen } = options;
  const asking = (opened: Database) => ask?.(opened, placement) ?? Promise.resolve(undefined);
  const current = async () => locationNow(placement, await registry.read(placement.tenantId));
  const { database, answer } = await openOwnedAsking(providers, placement, asking, current);
  try {
    const entry = await openTenant(database, placement, answer);
    await onOpen?.(entry, placement);
    return { entry, close: () => database.close() };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The location of a database that was opened as `placement` says, with the secret it has by now: of this one, and no other. */
function locationNow(placement: Placement, now: Placement | null): Location | null {
  const isSame =
    now?.tag === placement.tag &&
    now.generation === placement.generation &&
    now.database === placement.database &&
    now.provider === placement.provider &&
    now.location?.locator === placement.location?.locator;
  return isSame ? now.location : null;
}

function requireServed(tenantId: string, placement: Placement | null): Placement {
  if (!placement) throw new PlatformError("not_found", "tenant_not_found", `There is no tenant ${tenantId}`);
  if (SERVED.includes(placement.state)) return placement;
  throw new PlatformError("unavailable", "tenant_not_ready", `The tenant ${tenantId} is ${placement.state}`);
}
