import type {
  ListTenantOperationsParams,
  TenantOperation,
  TenantOperationInsert,
  TenantOperationsAdapter,
} from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, text, time } from "./columns.ts";
import { type Definition, entity } from "./entity.ts";
import type { Rows } from "./page.ts";
import type { Store } from "./store.ts";
import { unscoped } from "./unscoped.ts";

const scoped = entity<TenantOperation, TenantOperationInsert>({
  table: "tenant_operations",
  key: "id",
  columns: {
    id: text(),
    rollout_id: text(),
    kind: text(),
    status: text(),
    engine: text(),
    created_at: time(),
    updated_at: time(),
    engine_instance_id: doc(),
    target_worker_version: doc(),
    target_database_version: doc(),
    initiated_by: doc(),
    current_step: doc(),
    error: doc(),
    finished_at: doc(),
  },
  defaults: () => ({ id: `op_${plainId()}`, status: "pending" }),
  absent: () => ({ tenant_id: null }),
  order: [["created_at", "desc"]],
  cascade: [["tenant_operation_events", "operation_id"]],
});

/** What is being done to a tenant, or to all of them: then it names none. It outlives the tenant. */
export const tenantOperations: Definition<TenantOperation, TenantOperationInsert> = {
  ...scoped,
  columns: { ...scoped.columns, tenant_id: text() },
};

/** The `tenantOperations` adapter. */
export function createTenantOperations(store: Store): TenantOperationsAdapter {
  const { create, get, list, update, remove } = unscoped(store, tenantOperations);
  return {
    create,
    get,
    update,
    remove,
    list: (params = {}) => list("operations", params, (rows) => narrowed(rows, params)),
  };
}

function narrowed(rows: Rows, params: ListTenantOperationsParams): Rows {
  const { tenant_id, rollout_id, kind, engine, status, updated_before } = params;
  const equal = Object.entries({ tenant_id, rollout_id, kind, engine }).reduce(
    (query, [column, value]) => (value === undefined ? query : query.where(column, "=", value)),
    rows,
  );
  return equal
    .$if(status !== undefined, (query) => query.where("status", "in", [status].flat()))
    .$if(updated_before !== undefined, (query) => query.where("updated_at", "<", Date.parse(updated_before ?? "")));
}
