import type { Organization, OrganizationInsert, OrganizationsAdapter } from "@authhero/adapter-interfaces";
import { type Compilable, sql } from "kysely";
import { prefixedId } from "../domain/ids.ts";
import { doc, text, time } from "./columns.ts";
import { crud, decoded, deleteFrom, insertRow, newRow, rowsOf } from "./crud.ts";
import { entity, storedColumns } from "./entity.ts";
import { isCheckpoint } from "./page.ts";
import type { Store } from "./store.ts";

/** Companies and teams inside a tenant. */
export const organizations = entity<Organization, OrganizationInsert>({
  table: "organizations",
  key: "id",
  columns: {
    id: text(),
    name: text(),
    display_name: text(),
    branding: doc(),
    metadata: doc(),
    enabled_connections: doc(),
    token_quota: doc(),
    created_at: time(),
    updated_at: time(),
  },
  defaults: () => ({ id: prefixedId("org") }),
  absent: () => ({ branding: {}, metadata: {}, enabled_connections: [], token_quota: {} }),
  filters: {
    fields: { id: "text", name: "text", display_name: "text" },
    search: { name: "contains", display_name: "contains" },
  },
  sortable: ["name", "display_name", "created_at"],
  order: [["created_at", "desc"]],
  cascade: [
    ["organization_connections", "organization_id"],
    ["user_organizations", "organization_id"],
    ["invites", "organization_id"],
    ["user_roles", "organization_id"],
    ["user_permissions", "organization_id"],
  ],
});

/** What `create` answers holds only what it was given; readers get `{}` and `[]` for the rest. */
const { absent: _absent, ...justCreated } = organizations;

/** The INSERT of an organization, for a batch with whatever else must begin at the same moment. */
export const organizationInsert = (store: Store, tenantId: string, input: OrganizationInsert & { id: string }) =>
  insertRow(store, organizations, newRow(store, organizations, tenantId, input));

/**
 * A statement that stops its batch, with a unique violation, when there is an organization of the name: it inserts that
 * one again. A batch has no IF.
 */
export const organizationAbsent = (store: Store, tenantId: string, name: string): Compilable => ({
  compile: () =>
    sql`insert into organizations select * from organizations where tenant_id = ${tenantId} and name = ${name}`.compile(
      store.db,
    ),
});

/** The statements that end an organization: members with their rights in it, invitations, connections, its row. */
export const organizationPurge = (store: Store, tenantId: string, id: string): readonly Compilable[] => [
  ...(organizations.cascade ?? []).map(([table, column]) => deleteFrom(store, table, tenantId, column, id)),
  deleteFrom(store, organizations.table, tenantId, organizations.key, id),
];

/** The `organizations` adapter. `get` takes an id or, where no id matches, a name. */
export function createOrganizations(store: Store): OrganizationsAdapter {
  const { list, update, remove } = crud(store, organizations, {
    as: "organizations",
    counters: "pageAndTotal",
    perPage: 10,
    checkpoint: { by: "created_at", key: "id", direction: "desc" },
  });
  return {
    update,
    remove,

    async create(tenantId, input, options) {
      const row = newRow(store, organizations, tenantId, input, options);
      await insertRow(store, organizations, row).execute();
      return decoded(store, justCreated, tenantId, row);
    },

    async get(tenantId, idOrName) {
      const row = await rowsOf(store, organizations, tenantId)
        .select(storedColumns(organizations))
        .where(({ or, eb }) => or([eb("id", "=", idOrName), eb("name", "=", idOrName)]))
        .orderBy(({ eb }) => eb("id", "=", idOrName), "desc")
        .limit(1)
        .executeTakeFirst();
      return row ? decoded(store, organizations, tenantId, row) : null;
    },

    async list(tenantId, params = {}) {
      const page = await list(tenantId, params);
      return isCheckpoint(params) ? { ...page, total: page.length } : page;
    },
  };
}
