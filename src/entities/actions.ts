import type { Action, ActionInsert, ActionsAdapter } from "@authhero/adapter-interfaces";
import { prefixedId } from "../domain/ids.ts";
import { doc, flag, secretJson, text, time } from "./columns.ts";
import { crud, getRow, updateRow } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** Code that runs at a login. */
export const actions = entity<Action, ActionInsert>({
  table: "actions",
  key: "id",
  columns: {
    id: text(),
    name: text(),
    is_system: flag(),
    secrets: secretJson(),
    created_at: time(),
    updated_at: time(),
    code: doc(),
    supported_triggers: doc(),
    runtime: doc(),
    dependencies: doc(),
    inherit: doc(),
    status: doc(),
    deployed_at: doc(),
  },
  showsTenant: true,
  defaults: () => ({ id: prefixedId("act"), is_system: false, status: "built" }),
  absent: () => ({ inherit: false }),
  filters: { fields: { id: "text", name: "text" }, search: { name: "contains" } },
  sortable: ["name", "created_at"],
  order: [["created_at", "asc"]],
  cascade: [["action_versions", "action_id"]],
});

type Secrets = NonNullable<Action["secrets"]>;

/**
 * The `actions` adapter. `create` answers without the secrets' values; whoever reads an action gets them.
 * In `update`, a secret that comes without a value keeps the one it has.
 */
export function createActions(store: Store): ActionsAdapter {
  const { create, get, list, update, remove } = crud(store, actions, { as: "actions" });
  return {
    get,
    list,
    remove,

    async create(tenantId, input, options) {
      const action = await create(tenantId, input, options);
      return { ...action, ...(action.secrets && { secrets: action.secrets.map(({ name }) => ({ name })) }) };
    },

    update(tenantId, id, patch) {
      const { secrets } = patch;
      if (!secrets?.some(({ value }) => value === undefined)) return update(tenantId, id, patch);
      // Sealed as one value, they cannot be merged by SQL.
      return store.transaction(async (inside) => {
        const stored = await getRow(inside, actions, tenantId, id);
        if (!stored) return false;
        return updateRow(inside, actions, tenantId, id, { ...patch, secrets: merged(secrets, stored.secrets ?? []) });
      });
    },
  };
}

function merged(secrets: Secrets, stored: Secrets): Secrets {
  const known = new Map(stored.map((secret) => [secret.name, secret]));
  return secrets.map((secret) => (secret.value === undefined ? (known.get(secret.name) ?? secret) : secret));
}
