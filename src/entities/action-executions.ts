import type { ActionExecution, ActionExecutionInsert, ActionExecutionsAdapter } from "@authhero/adapter-interfaces";
import { doc, text, time } from "./columns.ts";
import { entity } from "./entity.ts";
import { journal } from "./journal.ts";
import type { Store } from "./store.ts";

/** What actions did during a login. The caller makes the id. */
export const actionExecutions = entity<ActionExecution, ActionExecutionInsert>({
  table: "action_executions",
  key: "id",
  columns: {
    id: text(),
    trigger_id: text(),
    status: text(),
    created_at: time(),
    updated_at: time(),
    results: doc(),
    logs: doc(),
  },
  showsTenant: true,
});

export const createActionExecutions = (store: Store): ActionExecutionsAdapter => journal(store, actionExecutions);
