import { createCapacity } from "../src/domain/capacity.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import { keepRecent } from "../src/domain/recent.ts";
import type { Placement } from "./placements.ts";

/** A database that could not be opened is left alone for so long, so that a dead one costs its neighbours nothing. */
const FAILED_MS = 1_000;

/** The failures of as many databases are remembered. */
const FAILURES_MAX = 1_000;

export interface ShelfOptions<T> {
  readonly open: (placement: Placement) => Promise<Opened<T>>;
  readonly maxOpen: number;
  readonly idleMs: number;
  readonly waitMs: number;
  readonly clock: Clock;
}

interface Opened<T> {
  readonly entry: T;
  close(): Promise<void>;
}

/** Which of a tenant's databases is meant: of which life, and which of that. */
export type DatabaseOf = { readonly tag: string; readonly generation: number };

/** Keeps an entry open until `release`, which may be repeated. */
export interface Lease<T> {
  readonly entry: T;
  readonly placement: Placement;
  release(): void;
  /** The database did not answer: nobody else gets this entry, and whoever comes next opens it anew for all. */
  distrust(): void;
}

export interface ShelfStats {
  /** Databases open, or on their way in or out. */
  readonly open: number;
  /** Those of them that somebody uses or waits for. */
  readonly leased: number;
  /** Openings that wait for a place. */
  readonly waiting: number;
  readonly opened: number;
  readonly closed: number;
  /** Those that got no place included. */
  readonly failed: number;
  /** Openings that got no place in time. */
  readonly refused: number;
}

/** One database: on its way in, open, or on its way out. */
interface Slot<T> {
  readonly key: string;
  readonly placement: Placement;
  readonly opening: Promise<Opened<T>>;
  opened: Opened<T> | undefined;
  /** Whoever waits for the opening counts, so what is being opened is never idle. */
  leases: number;
  usedMs: number;
  readonly gone: Signal;
}

interface Failure {
  readonly error: unknown;
  readonly tenantId: string;
  readonly untilMs: number;
}

interface State<T> extends ShelfOptions<T> {
  // Both in the order of use, so that the first is the one that was used longest ago.
  readonly slots: Map<string, Slot<T>>;
  readonly leaving: Set<Slot<T>>;
  readonly failures: ReturnType<typeof createFailures>;
  readonly capacity: ReturnType<typeof createCapacity>;
  /** How many are being closed: each gives a place back. */
  closings: number;
  readonly counts: { opened: number; closed: number; failed: number; refused: number };
}

/** The entries of a pool: who holds them, which goes when room is needed, and what failed a moment ago. */
export function createShelf<T>(options: ShelfOptions<T>) {
  const { clock, idleMs, maxOpen, waitMs } = options;
  const capacity = createCapacity(maxOpen, waitMs, () => exhausted(maxOpen));
  const state: State<T> = {
    ...options,
    slots: new Map(),
    leaving: new Set(),
    failures: createFailures(clock),
    capacity,
    closings: 0,
    counts: { opened: 0, closed: 0, failed: 0, refused: 0 },
  };

  return {
    /** Holds the entry of a placement, which is opened if need be. */
    async lease(placement: Placement): Promise<Lease<T>> {
      const found = state.slots.get(keyOf(placement));
      const slot = found && opensAlike(found, placement) ? found : put(state, placement);
      hold(state, slot);
      const { entry } = await slot.opening;
      return {
        entry,
        placement: slot.placement,
        release: once(() => release(state, slot)),
        distrust: () => {
          if (state.slots.get(slot.key) === slot) retire(state, slot);
        },
      };
    },

    /** Closes what belongs to a tenant, but for the database named by `keep`; settles when that is done. */
    evict(tenantId: string, keep?: DatabaseOf): Promise<void> {
      state.failures.forget(tenantId);
      const kept = keep && keyOf({ ...keep, tenantId });
      return retireAll(state, (slot) => slot.placement.tenantId === tenantId && slot.key !== kept);
    },

    /** Closes what nobody has used for `idleMs`. */
    sweep(): Promise<void> {
      const latestMs = clock().getTime() - idleMs;
      return retireAll(state, (slot) => slot.leases === 0 && slot.usedMs <= latestMs);
    },

    close(): Promise<void> {
      capacity.refuseAll(new PlatformError("unavailable", "pool_closed", "The pool of databases is closed"));
      return retireAll(state, () => true);
    },

    stats: (): ShelfStats => ({
      open: capacity.taken(),
      leased: everySlot(state).filter((slot) => slot.leases > 0).length,
      waiting: capacity.waiting(),
      ...state.counts,
    }),
  };
}

function put<T>(state: State<T>, placement: Placement): Slot<T> {
  const key = keyOf(placement);
  state.failures.refuse(key);
  // An older generation or incarnation is of no use to anybody any more.
  for (const slot of state.slots.values()) if (slot.placement.tenantId === placement.tenantId) retire(state, slot);
  const opening = Promise.resolve().then(() => bringIn(state, slot));
  const slot: Slot<T> = { key, placement, opening, opened: undefined, leases: 0, usedMs: 0, gone: createSignal() };
  state.slots.set(key, slot);
  return slot;
}

async function bringIn<T>(state: State<T>, slot: Slot<T>): Promise<Opened<T>> {
  let placed = false;
  try {
    const place = state.capacity.take();
    makeRoom(state);
    await place;
    placed = true;
    slot.opened = await state.open(slot.placement);
    state.counts.opened += 1;
    return slot.opened;
  } catch (error) {
    state.counts.failed += 1;
    // That there was no room says nothing about this database.
    if (placed) state.failures.add(slot, error);
    else state.counts.refused += 1;
    if (placed) state.capacity.giveBack();
    remove(state, slot);
    throw error;
  }
}

async function bringOut<T>(state: State<T>, slot: Slot<T>): Promise<void> {
  state.closings += 1;
  // What does not close properly is let go all the same; there is nobody left to be told.
  await slot.opened?.close().catch(() => {});
  state.closings -= 1;
  state.counts.closed += 1;
  remove(state, slot);
  state.capacity.giveBack();
}

function remove<T>({ slots, leaving }: State<T>, slot: Slot<T>): void {
  if (slots.get(slot.key) === slot) slots.delete(slot.key);
  leaving.delete(slot);
  slot.gone.give();
}

function hold<T>({ slots, clock }: State<T>, slot: Slot<T>): void {
  slot.leases += 1;
  slot.usedMs = clock().getTime();
  slots.delete(slot.key);
  slots.set(slot.key, slot);
}

function release<T>(state: State<T>, slot: Slot<T>): void {
  slot.usedMs = state.clock().getTime();
  slot.leases -= 1;
  if (slot.leases > 0) return;
  if (state.leaving.has(slot)) void bringOut(state, slot);
  else makeRoom(state);
}

/** From now on nobody gets it; it is closed when nobody has it any more. */
function retire<T>(state: State<T>, slot: Slot<T>): void {
  state.slots.delete(slot.key);
  state.leaving.add(slot);
  if (slot.leases === 0) void bringOut(state, slot);
}

/** Closes idle entries, the one used longest ago first, until every waiter has a place coming. */
function makeRoom<T>(state: State<T>): void {
  for (const slot of state.slots.values()) {
    if (state.capacity.waiting() <= state.closings) return;
    if (slot.leases === 0) retire(state, slot);
  }
}

async function retireAll<T>(state: State<T>, matches: (slot: Slot<T>) => boolean): Promise<void> {
  const among = everySlot(state).filter(matches);
  for (const slot of among) if (!state.leaving.has(slot)) retire(state, slot);
  await Promise.all(among.map((slot) => slot.gone.given));
}

function everySlot<T>({ slots, leaving }: State<T>): Slot<T>[] {
  return [...slots.values(), ...leaving];
}

/** An incarnation and generation: a tenant that was made anew shares nothing with the old one but its id. */
const keyOf = ({ tenantId, tag, generation }: DatabaseOf & { readonly tenantId: string }) =>
  `${tenantId} ${tag} ${generation}`;

function createFailures(clock: Clock) {
  const failures = new Map<string, Failure>();
  return {
    /** Throws what the last opening threw, if that was a moment ago. */
    refuse(key: string): void {
      const failure = failures.get(key);
      if (failure && clock().getTime() < failure.untilMs) throw failure.error;
      failures.delete(key);
    },

    add({ key, placement }: { key: string; placement: Placement }, error: unknown): void {
      const failure = { error, tenantId: placement.tenantId, untilMs: clock().getTime() + FAILED_MS };
      keepRecent(failures, key, failure, FAILURES_MAX);
    },

    forget(tenantId: string): void {
      for (const [key, failure] of failures) if (failure.tenantId === tenantId) failures.delete(key);
    },
  };
}

/** What was opened with credentials that are no longer the registry's is refused by its database. */
function opensAlike<T>(slot: Slot<T>, { location }: Placement): boolean {
  return slot.placement.location?.secret === location?.secret;
}

const exhausted = (places: number) =>
  new PlatformError("unavailable", "pool_exhausted", `All ${places} databases that may be open are in use`);

interface Signal {
  give(): void;
  readonly given: Promise<void>;
}

function createSignal(): Signal {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { give: () => give(), given };
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}
