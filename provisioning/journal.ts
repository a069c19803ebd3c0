import { Kysely, type Selectable } from "kysely";
import type { Database, Statement } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { RegistryTables } from "./tables.ts";

/** What is written is read by people: an error longer than this says nothing more. */
const ERROR_CHARACTERS_MAX = 500;

/** Nobody looks further back in one page. */
const PAGE_ROWS_MAX = 100;

/** Stored, so never renamed. */
export type OperationKind = "provision" | "delete";

/** One run of named steps for one incarnation of a tenant. */
export interface Operation {
  /** Operations are numbered as they begin. */
  readonly number: number;
  readonly id: string;
  readonly tenantId: string;
  readonly tag: string;
  readonly kind: OperationKind;
  readonly state: "running" | "failed" | "done" | "abandoned";
  /** The step that was finished last, or the one that failed. */
  readonly step: string | null;
  readonly error: string | null;
  /** Who asked for it, in the words of the caller. */
  readonly initiator: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
}

export interface OperationEvent {
  readonly step: string;
  readonly outcome: "done" | "failed";
  readonly error: string | null;
  readonly at: string;
}

export type NewOperation = Pick<Operation, "id" | "tenantId" | "tag" | "kind" | "initiator">;

/** What has been done, so that a crash anywhere can be resumed at the first unfinished step. */
export function createJournal({ database, clock }: { readonly database: Database; readonly clock: Clock }) {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const now = () => clock().toISOString();

  return {
    /** The statements that begin an operation whose first step happens in the same batch. */
    begin: (operation: NewOperation, firstStep: string): readonly Statement[] =>
      beginning(db, operation, firstStep, now()),

    async get(id: string): Promise<Operation | null> {
      const row = await db.selectFrom("rh_operations").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? toOperation(row) : null;
    },

    /** The operations of a tenant, newest first, those of earlier incarnations included; at most 100. */
    async list(tenantId: string, take = PAGE_ROWS_MAX): Promise<readonly Operation[]> {
      const query = db.selectFrom("rh_operations").selectAll().where("tenant_id", "=", tenantId);
      const rows = await query.orderBy("number", "desc").limit(Math.min(take, PAGE_ROWS_MAX)).execute();
      return rows.map(toOperation);
    },

    /** Operations to be resumed, oldest first, after the number `from`; at most 100. */
    async unfinished(from = 0): Promise<readonly Operation[]> {
      const query = db.selectFrom("rh_operations").selectAll().where("state", "in", ["running", "failed"]);
      const rows = await query.where("number", ">", from).orderBy("number").limit(PAGE_ROWS_MAX).execute();
      return rows.map(toOperation);
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

    async recordDone(operationId: string, step: string): Promise<void> {
      const at = now();
      await database.batch([
        db.insertInto("rh_operation_events").values({ operation_id: operationId, step, outcome: "done", at }).compile(),
        updating(db, operationId).set({ state: "running", step, error: null, updated_at: at }).compile(),
      ]);
    },

    /** Keeps the reason and the sentence of our own errors. Foreign ones may hold anything, so only their name. */
    async recordFailed(operationId: string, step: string, cause: unknown): Promise<void> {
      const at = now();
      const error = describe(cause);
      await database.batch([
        db
          .insertInto("rh_operation_events")
          .values({ operation_id: operationId, step, outcome: "failed", error, at })
          .compile(),
        updating(db, operationId).set({ state: "failed", step, error, updated_at: at }).compile(),
      ]);
    },

    /** Ends it: `done`, or `abandoned` when another operation has overtaken it. */
    async finish(operationId: string, state: "done" | "abandoned"): Promise<void> {
      const at = now();
      await updating(db, operationId).set({ state, updated_at: at, finished_at: at }).execute();
    },
  };
}

export type Journal = ReturnType<typeof createJournal>;

function beginning(db: Kysely<RegistryTables>, operation: NewOperation, step: string, at: string): Statement[] {
  const { id, tenantId, tag, kind, initiator } = operation;
  return [
    db
      .insertInto("rh_operations")
      .values({ id, tenant_id: tenantId, tag, kind, state: "running", step, initiator, created_at: at, updated_at: at })
      .compile(),
    db.insertInto("rh_operation_events").values({ operation_id: id, step, outcome: "done", at }).compile(),
  ];
}

function updating(db: Kysely<RegistryTables>, operationId: string) {
  return db.updateTable("rh_operations").where("id", "=", operationId);
}

function toOperation(row: Selectable<RegistryTables["rh_operations"]>): Operation {
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
  };
}

function describe(cause: unknown): string {
  if (cause instanceof PlatformError) return `${cause.reason}: ${cause.message}`.slice(0, ERROR_CHARACTERS_MAX);
  return `internal: ${cause instanceof Error ? cause.name : typeof cause}`;
}
