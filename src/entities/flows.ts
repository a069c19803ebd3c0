import type { Flow, FlowInsert, FlowsAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, text, time } from "./columns.ts";
import { crud, decoded, updateOf } from "./crud.ts";
import { entity, storedColumns } from "./entity.ts";
import type { Store } from "./store.ts";

/** Steps that a form takes behind the scenes. */
export const flows = entity<Flow, FlowInsert>({
  table: "flows",
  key: "id",
  columns: { id: text(), name: text(), created_at: time(), updated_at: time(), actions: doc() },
  defaults: () => ({ id: `af_${plainId()}` }),
  absent: () => ({ actions: [] }),
  filters: { fields: { id: "text", name: "text" }, search: { name: "contains" } },
  sortable: ["name", "created_at"],
  order: [["created_at", "asc"]],
});

/** The `flows` adapter. `update` answers the flow as it is then, or null. */
export function createFlows(store: Store): FlowsAdapter {
  const { create, get, list, remove } = crud(store, flows, { as: "flows" });
  return {
    create,
    get,
    list,
    remove,

    async update(tenantId, id, patch) {
      const row = await updateOf(store, flows, tenantId, id, patch)?.returning(storedColumns(flows)).executeTakeFirst();
      return row ? decoded(store, flows, tenantId, row) : null;
    },
  };
}
