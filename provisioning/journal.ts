import { Kysely, sql } from "kysely";
import type { Database, Statement } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import { createHistory } from "./history.ts";
import {
  addingEvents,
  beginning,
  describe,
  fencing,
  isFencedOff,
  LEASE_MS,
  type Lease,
  type NewOperation,
  noting,
  type Operation,
  overtaken,
  toOperation,
  updating,
  type Witness,
} from "./operation-rows.ts";
import { type ProcessIdentity, thisProcess } from "./process.ts";
import type { RegistryTables } from "./tables.ts";

export interface JournalOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Who runs operations here. */
  readonly process?: ProcessIdentity;
  readonly witness?: Witness;
}

interface Context {
  readonly database: Database;
  readonly db: Kysely<RegistryTables>;
  readonly process: ProcessIdentity;
  /** ISO 8601. */
  readonly now: () => string;
  /** The columns of a lease that begins now. */
  readonly leased: () => { readonly lease_owner: string; readonly lease_until: string };
}

const NO_LEASE = { lease_owner: null, lease_until: null } as const;

/**
 * What has been done, so that a crash anywhere can be resumed at the first unfinished step, and who is at it.
 *
 * An operation is run by whoever holds its lease. A take-over raises its fencing number, and every write under a
 * lease compares it: whoever was thought dead and wakes up again changes nothing, and gets `conflict`
 * (`operation_overtaken`).
 */
export function createJournal({ database, clock, process = thisProcess(), witness }: JournalOptions) {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const now = () => clock().toISOString();
  const leased = () => ({
    lease_owner: process.id,
    lease_until: new Date(clock().getTime() + LEASE_MS).toISOString(),
  });
  const witnessed = (operation: NewOperation) => (witness ? [witness(operation)] : []);
  const context: Context = { database, db, process, now, leased };

  return {
    ...createHistory(db),
    ...createLeases(context),
    ...createRecords(context),

    /**
     * The statements that begin an operation whose first step happens in the same batch, and the lease this process
     * then has on it. Whatever else was unfinished for the tenant is abandoned.
     */
    begin(operation: NewOperation, firstStep: string): { lease: Lease; statements: readonly Statement[] } {
      const lease = { operationId: operation.id, fence: 1, attempts: 1 };
      const statements = beginning(db, operation, firstStep, now(), leased());
      return { lease, statements: [...statements, ...witnessed(operation)] };
    },

    /** The statements that write down an operation of one step, which happens in the same batch. */
    note: (operation: NewOperation, step: string): readonly Statement[] => [
      ...noting(db, operation, step, now()),
      ...witnessed(operation),
    ],

    /** Whether the next attempt may begin. */
    isDue: ({ nextAttemptAt }: Operation): boolean => nextAttemptAt === null || nextAttemptAt <= now(),
  };
}

export type Journal = ReturnType<typeof createJournal>;

/** Who may run what. */
function createLeases(context: Context) {
  const { database, db, process, now, leased } = context;
  const isHeld = ({ leaseOwner, leaseUntil }: Operation) =>
    leaseOwner !== null && leaseUntil !== null && leaseUntil > now() && !process.isGone(leaseOwner);

  return {
    /** Whether some process is at an operation. */
    isHeld,

    /** A statement that stops the batch it stands in, `conflict` (`operation_overtaken`), when the lease is lost. */
    fenced: (lease: Lease): Statement => fencing(db, lease),

    /**
     * Takes an unfinished operation over; null when somebody is at it, or was faster. `afresh` counts the attempts
     * from the beginning, as whoever resumes one by hand does.
     */
    async acquire(operation: Operation, { afresh = false } = {}): Promise<Lease | null> {
      if (isHeld(operation)) return null;
      const [result] = await database.batch([
        updating(db, { operationId: operation.id, fence: operation.fence })
          .set((row) => ({
            ...leased(),
            state: "running",
            fence: row("fence", "+", 1),
            attempts: afresh ? sql.lit(1) : row("attempts", "+", 1),
            next_attempt_at: null,
            updated_at: now(),
          }))
          .where("state", "in", ["running", "failed"])
          .returning(["fence", "attempts"])
          .compile(),
      ]);
      const [row] = result?.rows ?? [];
      return row ? { operationId: operation.id, fence: Number(row.fence), attempts: Number(row.attempts) } : null;
    },

    /** Holds on to a lease for longer. */
    renew: (lease: Lease): Promise<void> => underLease(context, lease, [updating(db, lease).set(leased()).compile()]),

    /** Lets go of a lease, of an abandoned operation too. */
    async release(lease: Lease): Promise<void> {
      await updating(db, lease).set(NO_LEASE).execute();
    },

    /** Whether some process is still at an operation of the tenant that began before this one. */
    async isOvertaking({ operationId }: Lease, tenantId: string): Promise<boolean> {
      const began = db.selectFrom("rh_operations").select("number").where("id", "=", operationId);
      const query = db.selectFrom("rh_operations").selectAll().where("tenant_id", "=", tenantId);
      const rows = await query.where("lease_until", "is not", null).where("number", "<", began).execute();
      return rows.map(toOperation).some(isHeld);
    },
  };
}

/** What happened in an operation. */
function createRecords(context: Context) {
  const { db, now, leased } = context;
  const events = ({ operationId }: Lease, steps: readonly string[]): Statement => {
    const done = steps.map((step) => ({ step, outcome: "done" }) as const);
    return addingEvents(db, operationId, now(), done);
  };
  const doing = (lease: Lease, steps: readonly string[]): readonly Statement[] => [
    events(lease, steps),
    updating(db, lease)
      .set({ step: steps.at(-1) ?? null, error: null, updated_at: now(), ...leased() })
      .compile(),
  ];

  return {
    recordDone: (lease: Lease, steps: readonly string[]): Promise<void> =>
      underLease(context, lease, doing(lease, steps)),

    /** The statements that write down steps, in the batch of the last of them, which they stop when the lease is lost. */
    doing: (lease: Lease, steps: readonly string[]): readonly Statement[] => [
      fencing(db, lease),
      ...doing(lease, steps),
    ],

    /**
     * Keeps the reason and the sentence of our own errors; foreign ones may hold anything, so only their name. `next`:
     * when to try again, null for never: then it is `failed` until somebody resumes it by hand. `done`: steps before it
     * that nobody has written down.
     */
    recordFailed(
      lease: Lease,
      step: string,
      cause: unknown,
      next: Date | null,
      done: readonly string[] = [],
    ): Promise<void> {
      const error = describe(cause);
      const state = next ? "running" : "failed";
      return underLease(context, lease, [
        ...(done.length > 0 ? [events(lease, done)] : []),
        addingEvents(db, lease.operationId, now(), [{ step, outcome: "failed", error }]),
        updating(db, lease)
          .set({ state, step, error, updated_at: now(), next_attempt_at: next?.toISOString() ?? null, ...NO_LEASE })
          .compile(),
      ]);
    },

    /** Puts away an operation that can lead nowhere. One that somebody has taken over meanwhile stays. */
    async abandon({ id, fence }: Operation): Promise<void> {
      const ended = { state: "abandoned", updated_at: now(), finished_at: now(), next_attempt_at: null } as const;
      await updating(db, { operationId: id, fence })
        .set({ ...ended, ...NO_LEASE })
        .where("state", "in", ["running", "failed"])
        .execute();
    },

    /** The statements that end an operation with its last steps, in the batch of the last of them. */
    ending: (lease: Lease, steps: readonly string[]): readonly Statement[] => [
      fencing(db, lease),
      events(lease, steps),
      updating(db, lease)
        .set({
          state: "done",
          step: steps.at(-1) ?? null,
          error: null,
          updated_at: now(),
          finished_at: now(),
          ...NO_LEASE,
        })
        .compile(),
    ],
  };
}

/** Runs statements if the lease still holds, and none of them otherwise. */
async function underLease({ database, db }: Context, lease: Lease, statements: readonly Statement[]): Promise<void> {
  try {
    await database.batch([fencing(db, lease), ...statements]);
  } catch (error) {
    throw isFencedOff(error) ? overtaken(lease, error) : error;
  }
}
