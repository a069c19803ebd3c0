import type {
  TenantOperationEvent,
  TenantOperationEventInsert,
  TenantOperationEventsAdapter,
} from "@authhero/adapter-interfaces";
import { monotonicFactory } from "ulid";
import { doc, integer, text, time } from "./columns.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";
import { unscoped } from "./unscoped.ts";

/** One for the process: ids rise also within a millisecond, so that steps are listed in the order they were taken. */
const risingId = monotonicFactory();

/** The steps of an operation, as they were taken. They go with it. */
export const tenantOperationEvents = entity<TenantOperationEvent, TenantOperationEventInsert>({
  table: "tenant_operation_events",
  key: "id",
  columns: {
    id: text(),
    operation_id: text(),
    step: text(),
    outcome: text(),
    attempt: integer(),
    created_at: time(),
    detail: doc(),
  },
  defaults: (_input, { now }) => ({ id: `evt_${risingId(Date.parse(now))}`, attempt: 1 }),
  order: [["created_at", "asc"]],
});

/** The `tenantOperationEvents` adapter. */
export function createTenantOperationEvents(store: Store): TenantOperationEventsAdapter {
  const { create, list } = unscoped(store, tenantOperationEvents);
  return {
    create,
    listByOperation: (operationId, params = {}) =>
      list("events", params, (rows) => rows.where("operation_id", "=", operationId), 100),
  };
}
