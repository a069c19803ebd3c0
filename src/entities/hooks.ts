import type { Hook, HookInsert, HooksAdapter } from "@authhero/adapter-interfaces";
import { prefixedId } from "../domain/ids.ts";
import { doc, flag, integer, text, time } from "./columns.ts";
import { crud } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** Every member of the union `Hook` as one row: which of the five destinations there is tells them apart. */
type Stored = Pick<Hook, keyof Hook> & {
  readonly [K in "url" | "form_id" | "template_id" | "code_id" | "page_id" | "permission_required"]?: string;
};

/** What happens at a login, registration or deletion besides it. */
export const hooks = entity<Stored, HookInsert>({
  table: "hooks",
  key: "hook_id",
  columns: {
    hook_id: text(),
    trigger_id: text(),
    enabled: flag(),
    priority: integer(),
    url: text(),
    form_id: text(),
    template_id: text(),
    code_id: text(),
    page_id: text(),
    created_at: time(),
    updated_at: time(),
    permission_required: doc(),
    synchronous: doc(),
    metadata: doc(),
  },
  defaults: () => ({ hook_id: prefixedId("h"), enabled: false }),
  absent: () => ({ synchronous: false }),
  filters: {
    fields: {
      hook_id: "text",
      trigger_id: "text",
      enabled: "flag",
      url: "text",
      form_id: "text",
      template_id: "text",
      code_id: "text",
      page_id: "text",
    },
  },
  sortable: ["hook_id", "trigger_id", "enabled", "priority", "created_at", "updated_at"],
  // The order in which they run; those without a priority come last.
  order: [
    ["priority", "desc"],
    ["created_at", "asc"],
  ],
});

/** The `hooks` adapter. */
export const createHooks = (store: Store): HooksAdapter =>
  // A row is one member of the union because only such are written; the compiler cannot see that.
  crud(store, hooks, { as: "hooks" }) as HooksAdapter;
