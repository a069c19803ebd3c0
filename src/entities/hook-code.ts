import type { HookCode, HookCodeAdapter, HookCodeInsert } from "@authhero/adapter-interfaces";
import { prefixedId } from "../domain/ids.ts";
import { doc, secretJson, text, time } from "./columns.ts";
import { crud } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** Code that a hook runs. */
export const hookCode = entity<HookCode, HookCodeInsert>({
  table: "hook_code",
  key: "id",
  columns: { id: text(), secrets: secretJson(), created_at: time(), updated_at: time(), code: doc() },
  showsTenant: true,
  defaults: () => ({ id: prefixedId("hc") }),
});

/** The `hookCode` adapter. */
export function createHookCode(store: Store): HookCodeAdapter {
  const { create, get, update, remove } = crud(store, hookCode, { as: "hook_code" });
  return { create, get, update, remove };
}
