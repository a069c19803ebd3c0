import { type ExpressionBuilder, Kysely } from "kysely";
import type { Database, Statement } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import {
  abandoning,
  addingEvent,
  beginning,
  describe,
  fencing,
  LEASE_MS,
  type Lease,
  type NewOperation,
  noting,
  type Operation,
  overtaken,
  toOperation,
  updating,
} from "./operations.ts";
import { type ProcessIdentity, thisProcess } from "./process.ts";
import type { RegistryTables } from "./tables.ts";

/** Nobody looks further back in one page. */
const PAGE_ROWS_MAX = 100;

/** The fencing guard of `operations.ts` inserts an operation twice, and this is how the database says so. */
const FENCED_OFF = /rh_operations\.id\b/;

export interface OperationEvent {
  readonly step: string;
  readonly outcome: "done" | "failed";
  readonly error: string | null;
  readonly at: string;
}

export interface JournalOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Who runs operations here. */
  readonly process?: ProcessIdentity;
}

/**
 * What has been done, so that a crash anywhere can be resumed at the first unfinished step, and who is at it.
 *
 * An operation is run by whoever holds its lease. A take-over raises its fencing number, and every write under a
 * lease compares it: whoever was thought dead and wakes up again changes nothing, and gets `conflict`
 * (`operation_overtaken`).
 */
export function createJournal({ database, clock, process = thisProcess() }: JournalOptions) {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const now = () => clock().toISOString();
  const leased = () => ({
    lease_owner: process.id,
    lease_until: new Date(clock().getTime() + LEASE_MS).toISOString(),
  });
  const isHeld = ({ leaseOwner, leaseUntil }: Operation) =>
    leaseOwner !== null && leaseUntil !== null && leaseUntil > now() && !process.isGone(leaseOwner);

  /** Runs statements if the lease still holds, and none of them otherwise. */
  const underLease = async (lease: Lease, statements: readonly Statement[]): Promise<void> => {
    try {
      await database.batch([fencing(db, lease), ...statements]);
    } catch (error) {
      if (isFencedOff(error)) throw overtaken(lease, error);
      throw error;
    }
  };

  const read = async (column: "id" | "tenant_id", value: string, onlyUnfinished: boolean) => {
    let query = db.selectFrom("rh_operations").selectAll().where(column, "=", value);
    if (onlyUnfinished) query = query.where("state", "in", ["running", "failed"]);
    const row = await query.orderBy("number", "desc").limit(1).executeTakeFirst();
    return row ? toOperation(row) : null;
  };

  return {
    /**
     * The statements that begin an operation whose first step happens in the same batch, and the lease this process
     * then has on it. Whatever else was unfinished for the tenant is abandoned.
     */
    begin(operation: NewOperation, firstStep: string): { lease: Lease; statements: readonly Statement[] } {
      const lease = { operationId: operation.id, fence: 1, attempts: 1 };
      return { lease, statements: beginning(db, operation, firstStep, now(), leased()) };
    },

    /** The statements that write down an operation of one step, which happens in the same batch. */
    note: (operation: NewOperation, step: string): readonly Statement[] => noting(db, operation, step, now()),

    /** A statement that stops the batch it stands in, `conflict` (`operation_overtaken`), when the lease is lost. */
    fenced: (lease: Lease): Statement => fencing(db, lease),

    /** The statements that end an operation with its last step, in the batch of that step. */
    ending: (lease: Lease, lastStep: string): readonly Statement[] => [
      fencing(db, lease),
      addingEvent(db, { operation_id: lease.operationId, step: lastStep, outcome: "done", at: now() }),
      updating(db, lease)
        .set({ state: "done", step: lastStep, error: null, updated_at: now(), finished_at: now(), ...NO_LEASE })
        .compile(),
    ],

    /**
     * Takes an unfinished operation over; null when somebody is at it, or was faster. `afresh` counts the attempts
     * from the beginning, as whoever resumes one by hand does.
     */
    async acquire(operation: Operation, { afresh = false } = {}): Promise<Lease | null> {
      if (isHeld(operation)) return null;
      const attempts = (row: ExpressionBuilder<RegistryTables, "rh_operations">) => row("attempts", "+", 1);
      const [result] = await database.batch([
        updating(db, { operationId: operation.id, fence: operation.fence })
          .set((row) => ({
            ...leased(),
            state: "running",
            fence: row("fence", "+", 1),
            attempts: afresh ? 1 : attempts(row),
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
    renew: (lease: Lease): Promise<void> => underLease(lease, [updating(db, lease).set(leased()).compile()]),

    /** Lets go of a lease, of an abandoned operation too. */
    async release(lease: Lease): Promise<void> {
      await updating(db, lease).set(NO_LEASE).execute();
    },

    recordDone: (lease: Lease, step: string): Promise<void> =>
      underLease(lease, [
        addingEvent(db, { operation_id: lease.operationId, step, outcome: "done", at: now() }),
        updating(db, lease)
          .set({ step, error: null, updated_at: now(), ...leased() })
          .compile(),
      ]),

    /**
     * Keeps the reason and the sentence of our own errors; foreign ones may hold anything, so only their name. `next`:
     * when to try again, null for never: then it is `failed` until somebody resumes it by hand.
     */
    recordFailed(lease: Lease, step: string, cause: unknown, next: Date | null): Promise<void> {
      const error = describe(cause);
      const state = next ? "running" : "failed";
      return underLease(lease, [
        addingEvent(db, { operation_id: lease.operationId, step, outcome: "failed", error, at: now() }),
        updating(db, lease)
          .set({ state, step, error, updated_at: now(), next_attempt_at: next?.toISOString() ?? null, ...NO_LEASE })
          .compile(),
      ]);
    },

    get: (id: string): Promise<Operation | null> => read("id", id, false),

    /** The tenant's operation that is not over; there is at most one. */
    findUnfinished: (tenantId: string): Promise<Operation | null> => read("tenant_id", tenantId, true),

    /** The operations of a tenant, newest first, those of earlier incarnations included; at most 100. */
    async list(tenantId: string, take = PAGE_ROWS_MAX): Promise<readonly Operation[]> {
      const query = db.selectFrom("rh_operations").selectAll().where("tenant_id", "=", tenantId);
      const rows = await query.orderBy("number", "desc").limit(Math.min(take, PAGE_ROWS_MAX)).execute();
      return rows.map(toOperation);
    },

    /** Operations that are to go on by themselves, oldest first, after the number `from`; at most 100. */
    async running(from = 0): Promise<readonly Operation[]> {
      const query = db.selectFrom("rh_operations").selectAll().where("state", "=", "running");
      const rows = await query.where("number", ">", from).orderBy("number").limit(PAGE_ROWS_MAX).execute();
      return rows.map(toOperation);
    },

    /** Whether the next attempt may begin. */
    isDue: ({ nextAttemptAt }: Operation): boolean => nextAttemptAt === null || nextAttemptAt <= now(),

    /** Whether some process is still at an operation of the tenant that began before this one. */
    async isOvertaking({ operationId }: Lease, tenantId: string): Promise<boolean> {
      const began = db.selectFrom("rh_operations").select("number").where("id", "=", operationId);
      const rows = await db
        .selectFrom("rh_operations")
        .selectAll()
        .where("tenant_id", "=", tenantId)
        .where("lease_until", "is not", null)
        .where("number", "<", began)
        .execute();
      return rows.map(toOperation).some(isHeld);
    },

    async events(operationId: string): Promise<readonly OperationEvent[]> {
      const query = db.selectFrom("rh_operation_events").select(["step", "outcome", "error", "at"]);
      return await query.where("operation_id", "=", operationId).orderBy("id").execute();
    },

    /** The steps that were finished by any attempt. */
    async finishedSteps(operationId: string): Promise<ReadonlySet<string>> {
      const query = db.selectFrom("rh_operation_events").select("step").where("outcome", "=", "done");
      const rows = await query.where("operation_id", "=", operationId).execute();
      return new Set(rows.map(({ step }) => step));
    },

    /** Puts away what is unfinished for a tenant that is gone. */
    async abandon(tenantId: string): Promise<void> {
      await database.batch([abandoning(db, tenantId, now())]);
    },
  };
}

export type Journal = ReturnType<typeof createJournal>;

const NO_LEASE = { lease_owner: null, lease_until: null } as const;

/** Whether a batch was stopped by `fenced`. */
export function isFencedOff(error: unknown): error is PlatformError {
  return error instanceof PlatformError && error.reason === "unique_violation" && FENCED_OFF.test(error.message);
}
