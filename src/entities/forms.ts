import type { Form, FormInsert, FormsAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, text, time } from "./columns.ts";
import { crud } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** Pages that a login shows in between, as a graph of nodes. */
export const forms = entity<Form, FormInsert>({
  table: "forms",
  key: "id",
  columns: {
    id: text(),
    name: text(),
    created_at: time(),
    updated_at: time(),
    messages: doc(),
    languages: doc(),
    translations: doc(),
    nodes: doc(),
    start: doc(),
    ending: doc(),
    style: doc(),
    links: doc(),
  },
  defaults: () => ({ id: plainId() }),
  absent: () => ({ nodes: [], start: {}, ending: {} }),
  filters: { fields: { id: "text", name: "text" }, search: { name: "contains" } },
  sortable: ["name", "created_at"],
  order: [["created_at", "asc"]],
});

/** The `forms` adapter. */
export const createForms = (store: Store): FormsAdapter => crud(store, forms, { as: "forms" });
