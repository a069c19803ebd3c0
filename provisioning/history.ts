import type { Kysely } from "kysely";
import { type Operation, type OperationKind, toOperation } from "./operation-rows.ts";
import type { RegistryTables } from "./tables.ts";

/** Nobody looks further back in one page. */
const PAGE_ROWS_MAX = 100;

export interface OperationEvent {
  readonly step: string;
  readonly outcome: "done" | "failed";
  readonly error: string | null;
  readonly at: string;
}

/** Which operations are looked for. */
export interface OperationSearch {
  readonly tenantId?: string | undefined;
  readonly kinds: readonly OperationKind[];
  readonly states: readonly Operation["state"][];
  /** ISO 8601; strictly before. */
  readonly updatedBefore?: string | undefined;
}

/** What the journal tells: operations and their events. */
export function createHistory(db: Kysely<RegistryTables>) {
  const operations = db.selectFrom("rh_operations").selectAll();

  return {
    async get(id: string): Promise<Operation | null> {
      const row = await operations.where("id", "=", id).executeTakeFirst();
      return row ? toOperation(row) : null;
    },

    /** The tenant's operation that is not over; there is at most one. */
    async findUnfinished(tenantId: string): Promise<Operation | null> {
      const query = operations.where("tenant_id", "=", tenantId).where("state", "in", ["running", "failed"]);
      const row = await query.executeTakeFirst();
      return row ? toOperation(row) : null;
    },

    /** The operations of a tenant, newest first, those of earlier incarnations included; at most 100. */
    async list(tenantId: string, take = PAGE_ROWS_MAX): Promise<readonly Operation[]> {
      const query = operations.where("tenant_id", "=", tenantId).orderBy("number", "desc");
      return (await query.limit(Math.min(take, PAGE_ROWS_MAX)).execute()).map(toOperation);
    },

    /** Operations of whatever tenant, newest first; at most 100. */
    async search(search: OperationSearch, page: { readonly offset: number; readonly take: number }) {
      const { tenantId, kinds, states, updatedBefore } = search;
      const rows = await operations
        .where("kind", "in", kinds)
        .where("state", "in", states)
        .$if(tenantId !== undefined, (query) => query.where("tenant_id", "=", tenantId ?? ""))
        .$if(updatedBefore !== undefined, (query) => query.where("updated_at", "<", updatedBefore ?? ""))
        .orderBy("number", "desc")
        .limit(Math.min(page.take, PAGE_ROWS_MAX))
        .offset(page.offset)
        .execute();
      return rows.map(toOperation);
    },

    /** Operations that are to go on by themselves, oldest first, after the number `from`; at most 100. */
    async running(from = 0): Promise<readonly Operation[]> {
      const query = operations.where("state", "=", "running").where("number", ">", from);
      return (await query.orderBy("number").limit(PAGE_ROWS_MAX).execute()).map(toOperation);
    },

    /** Operations that are not over, whether they go on by themselves or not, as `running` tells them. */
    async unfinished(from = 0): Promise<readonly Operation[]> {
      const query = operations.where("state", "in", ["running", "failed"]).where("number", ">", from);
      return (await query.orderBy("number").limit(PAGE_ROWS_MAX).execute()).map(toOperation);
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
  };
}

export type OperationHistory = ReturnType<typeof createHistory>;
