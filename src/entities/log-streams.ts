import type { LogStream, LogStreamInsert, LogStreamsAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, secretJson, text, time } from "./columns.ts";
import { arrayOf, crud } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** Where a tenant's log is sent to. The sink is sealed: it holds tokens for the place. */
export const logStreams = entity<LogStream, LogStreamInsert>({
  table: "log_streams",
  key: "id",
  columns: {
    id: text(),
    name: text(),
    type: text(),
    status: text(),
    sink: secretJson(),
    created_at: time(),
    updated_at: time(),
    filters: doc(),
    isPriority: doc(),
  },
  defaults: () => ({ id: `lst_${plainId()}`, status: "active" }),
  absent: () => ({ sink: {} }),
  order: [["created_at", "asc"]],
});

/** The `logStreams` adapter. */
export function createLogStreams(store: Store): LogStreamsAdapter {
  const { create, get, update, remove } = crud(store, logStreams, { as: "log_streams" });
  return { create, get, update, remove, list: (tenantId) => arrayOf(store, logStreams, tenantId) };
}
