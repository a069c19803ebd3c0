import type {
  ListParams,
  UserOrganization,
  UserOrganizationInsert,
  UserOrganizationsAdapter,
} from "@authhero/adapter-interfaces";
import type { Compilable } from "kysely";
import { plainId } from "../domain/ids.ts";
import { text, time } from "./columns.ts";
import { crud, decoded, insertRow, newRow, rowsOf } from "./crud.ts";
import { entity, type Row, storedColumns } from "./entity.ts";
import { organizations } from "./organizations.ts";
import { COUNTERS, offsetOf, readPage } from "./page.ts";
import type { Store } from "./store.ts";
import { userRoleInsert } from "./user-roles.ts";

/** Who belongs to which organization. */
export const userOrganizations = entity<UserOrganization, UserOrganizationInsert>({
  table: "user_organizations",
  key: "id",
  columns: { id: text(), user_id: text(), organization_id: text(), created_at: time(), updated_at: time() },
  defaults: () => ({ id: plainId() }),
  filters: { fields: { user_id: "text", organization_id: "text" } },
  order: [["created_at", "desc"]],
});

/** The statements that make a user a member of a new organization, in these roles. */
export const membershipInsert = (
  store: Store,
  tenantId: string,
  { userId, organizationId, roleIds }: { userId: string; organizationId: string; roleIds: readonly string[] },
): readonly Compilable[] => [
  insertRow(
    store,
    userOrganizations,
    newRow(store, userOrganizations, tenantId, { user_id: userId, organization_id: organizationId }),
  ),
  ...roleIds.map((roleId) => userRoleInsert(store, tenantId, userId, roleId, organizationId)),
];

/** The `userOrganizations` adapter. Both lists always tell the total. */
export function createUserOrganizations(store: Store): UserOrganizationsAdapter {
  const { create, get, list, update, remove } = crud(store, userOrganizations, {
    as: "userOrganizations",
    checkpoint: { by: "created_at", key: "id", direction: "desc" },
  });
  return {
    create,
    get,
    update,
    remove,

    list: (tenantId, { q, ...params } = {}) =>
      list(tenantId, { ...params, include_totals: true, ...(q && { q: asOneTerm(q) }) }),

    listUserOrganizations: (tenantId, userId, params = {}) => listOf(store, tenantId, userId, params),
  };
}

/** `q` is one field here and all that follows is its value, quoted or not, with spaces or without. */
function asOneTerm(q: string): string {
  const [, field, value = ""] = /^(user_id|organization_id):([^"].*)$/s.exec(q.trim()) ?? [];
  return field ? `${field}:"${value.replace(/[\\"]/g, "\\$&")}"` : q;
}

/** The organizations themselves, with the time the user joined. */
async function listOf(store: Store, tenantId: string, userId: string, params: ListParams) {
  const joined = rowsOf(store, organizations, tenantId)
    .innerJoin("user_organizations as membership", (join) =>
      join
        .onRef("membership.tenant_id", "=", "organizations.tenant_id")
        .onRef("membership.organization_id", "=", "organizations.id"),
    )
    .where("membership.user_id", "=", userId);
  const rows = joined
    .select(storedColumns(organizations).map((column) => `organizations.${column}`))
    .select("membership.created_at as joined_at")
    .orderBy("membership.created_at", "desc")
    .orderBy("membership.id", "desc");
  const offset = offsetOf(params);
  const page = await readPage(rows, joined, offset, true);
  return {
    organizations: page.rows.map((row) => ({
      ...decoded(store, organizations, tenantId, row),
      joined_at: new Date(Number((row as Row).joined_at)).toISOString(),
    })),
    ...COUNTERS.zeroUnlessAsked({ ...offset, rows: page.rows.length, total: page.total }),
  };
}

/** Whether a user who may sign in belongs to an organization, in one statement. */
export async function isMember(store: Store, tenantId: string, organizationId: string, userId: string) {
  const row = await rowsOf(store, userOrganizations, tenantId)
    .innerJoin("users", (join) =>
      join
        .onRef("users.tenant_id", "=", "user_organizations.tenant_id")
        .onRef("users.user_id", "=", "user_organizations.user_id"),
    )
    .select("user_organizations.id")
    .where("user_organizations.organization_id", "=", organizationId)
    .where("user_organizations.user_id", "=", userId)
    .where("users.blocked", "=", 0)
    .executeTakeFirst();
  return row !== undefined;
}
