import type { Role, RoleInsert, RolesAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, mark, text, time } from "./columns.ts";
import { crud } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

export const roles = entity<Role, RoleInsert>({
  table: "roles",
  key: "id",
  columns: {
    id: text(),
    name: text(),
    description: text(),
    is_system: mark(),
    metadata: doc(),
    created_at: time(),
    updated_at: time(),
  },
  defaults: () => ({ id: plainId() }),
  filters: { fields: { id: "text", name: "text" }, search: { name: "contains" } },
  sortable: ["name", "created_at"],
  cascade: [
    ["role_permissions", "role_id"],
    ["user_roles", "role_id"],
  ],
});

export const createRoles = (store: Store): RolesAdapter =>
  crud(store, roles, { as: "roles", counters: "pageUnlessAsked" });
