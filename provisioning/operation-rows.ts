import { type Kysely, type Selectable, sql } from "kysely";
import type { Statement } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { OperationRow, RegistryTables } from "./tables.ts";

/** So long after its last sign of life, a process that cannot be asked counts as dead. */
export const LEASE_MS = 30_000;

/** What is written is read by people: an error longer than this says nothing more. */
const ERROR_CHARACTERS_MAX = 500;

/** Stored, so never renamed. */
export type OperationKind =
  | "provision"
  | "adopt"
  | "delete"
  | "undelete"
  | "purge"
  | "suspend"
  | "reactivate"
  | "read-only"
  | "rotate-credentials"
  | "repair";

/** One run of named steps for one incarnation of a tenant. */
export interface Operation {
  /** Operations are numbered as they begin. */
  readonly number: number;
  readonly id: string;
  readonly tenantId: string;
  readonly tag: string;
  readonly kind: OperationKind;
  /** `running` is what is resumed by itself, `failed` what somebody has to resume, `abandoned` what was overtaken. */
  readonly state: "running" | "failed" | "done" | "abandoned";
  /** The step that was finished last, or the one that failed. */
  readonly step: string | null;
  readonly error: string | null;
  /** Who asked for it, in the words of the caller. */
  readonly initiator: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
  readonly fence: number;
  readonly leaseOwner: string | null;
  readonly leaseUntil: string | null;
  /** Since it began or was last resumed by hand. */
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
}

export type NewOperation = Pick<Operation, "id" | "tenantId" | "tag" | "kind" | "initiator">;

/** The right to run an operation, until somebody with a higher fencing number takes it. */
export interface Lease {
  readonly operationId: string;
  readonly fence: number;
  /** Which attempt this is. */
  readonly attempts: number;
}

/** The statement that writes down, beside an operation that begins, who is behind it: for the audit log. */
export type Witness = (operation: {
  readonly id: string;
  readonly kind: string;
  readonly initiator: string;
  /** Not there where it is about many. */
  readonly tenantId?: string;
}) => Statement;

type Db = Kysely<RegistryTables>;
type LeaseColumns = Pick<OperationRow, "lease_owner" | "lease_until">;

/** See `begin` of the journal. */
export function beginning(db: Db, operation: NewOperation, step: string, at: string, lease: LeaseColumns): Statement[] {
  return [
    abandoning(db, operation.tenantId, at),
    db
      .insertInto("rh_operations")
      .values({ ...columnsOf(operation, step, at), state: "running", fence: 1, attempts: 1, ...lease })
      .compile(),
    addingEvents(db, operation.id, at, [{ step, outcome: "done" }]),
  ];
}

/** See `note` of the journal. */
export function noting(db: Db, operation: NewOperation, step: string, at: string): Statement[] {
  return [
    db
      .insertInto("rh_operations")
      .values({ ...columnsOf(operation, step, at), state: "done", attempts: 1, finished_at: at })
      .compile(),
    addingEvents(db, operation.id, at, [{ step, outcome: "done" }]),
  ];
}

/** The lease stays: it says that somebody may still be at it. */
export function abandoning(db: Db, tenantId: string, at: string): Statement {
  return db
    .updateTable("rh_operations")
    .set({ state: "abandoned", updated_at: at, finished_at: at, next_attempt_at: null })
    .where("tenant_id", "=", tenantId)
    .where("state", "in", ["running", "failed"])
    .compile();
}

/**
 * A batch has no IF. This inserts the operation once more when it is no longer ours to run, which is a unique
 * violation and stops the whole batch.
 */
export function fencing(db: Db, { operationId, fence }: Lease): Statement {
  return sql`insert into rh_operations (id, tenant_id, tag, kind, state, initiator, created_at, updated_at)
    select id, tenant_id, tag, kind, 'done', initiator, created_at, updated_at from rh_operations
    where id = ${operationId} and not (fence = ${fence} and state = 'running')`.compile(db);
}

/** Whether a batch was stopped by `fencing`. */
export function isFencedOff(error: unknown): error is PlatformError {
  const isDuplicate = error instanceof PlatformError && error.reason === "unique_violation";
  return isDuplicate && /rh_operations\.id\b/.test(error.message);
}

export function updating(db: Db, { operationId, fence }: Pick<Lease, "operationId" | "fence">) {
  return db.updateTable("rh_operations").where("id", "=", operationId).where("fence", "=", fence);
}

/** What became of a step. */
interface NewEvent {
  readonly step: string;
  readonly outcome: "done" | "failed";
  readonly error?: string;
}

/** One statement for all of them, which are numbered in their order. */
export function addingEvents(db: Db, operationId: string, at: string, events: readonly NewEvent[]): Statement {
  const rows = events.map(({ step, outcome, error = null }) => ({
    operation_id: operationId,
    step,
    outcome,
    error,
    at,
  }));
  return db.insertInto("rh_operation_events").values(rows).compile();
}

export function toOperation(row: Selectable<OperationRow>): Operation {
  return {
    number: row.number,
    id: row.id,
    tenantId: row.tenant_id,
    tag: row.tag,
    // Only this file writes the column.
    kind: row.kind as OperationKind,
    state: row.state,
    step: row.step,
    error: row.error,
    initiator: row.initiator,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
    fence: row.fence,
    leaseOwner: row.lease_owner,
    leaseUntil: row.lease_until,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
  };
}

export function describe(cause: unknown): string {
  if (cause instanceof PlatformError) return `${cause.reason}: ${cause.message}`.slice(0, ERROR_CHARACTERS_MAX);
  return `internal: ${cause instanceof Error ? cause.name : typeof cause}`;
}

export function overtaken({ operationId }: Pick<Lease, "operationId">, cause?: unknown): PlatformError {
  const message = `The operation ${operationId} was taken over by another process or another operation`;
  return new PlatformError("conflict", "operation_overtaken", message, { cause });
}

function columnsOf({ id, tenantId, tag, kind, initiator }: NewOperation, step: string, at: string) {
  return { id, tenant_id: tenantId, tag, kind, step, initiator, created_at: at, updated_at: at };
}
