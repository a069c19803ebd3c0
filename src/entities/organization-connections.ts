import type {
  OrganizationConnection,
  OrganizationConnectionInsert,
  OrganizationConnectionsAdapter,
} from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { flag, text, time } from "./columns.ts";
import { decoded, deleteFrom, insertRow, newRow, rowsOf, updateOf } from "./crud.ts";
import { entity, type Row, storedColumns } from "./entity.ts";
import type { Store } from "./store.ts";

interface Stored extends Omit<OrganizationConnection, "connection"> {
  readonly organization_id: string;
}

/** Which connections members of an organization may use, and how. */
export const organizationConnections = entity<Stored, OrganizationConnectionInsert & { organization_id: string }>({
  table: "organization_connections",
  key: "connection_id",
  columns: {
    organization_id: text(),
    connection_id: text(),
    assign_membership_on_login: flag(),
    show_as_button: flag(),
    is_signup_enabled: flag(),
    created_at: time(),
    updated_at: time(),
  },
  ignored: ["connection"],
  defaults: () => ({ assign_membership_on_login: false, show_as_button: true, is_signup_enabled: true }),
  order: [["created_at", "asc"]],
});

/** The name and the strategy of the connection, read in the same statement. NULL when it is gone. */
const embedded = sql<string | null>`(
  select json_object('name', connections.name, 'strategy', connections.strategy) from connections
  where connections.tenant_id = organization_connections.tenant_id
    and connections.id = organization_connections.connection_id
)`.as("connection");

const columns = storedColumns(organizationConnections);

/** The `organizationConnections` adapter: a pair is its own key; every read and write is one statement. */
export function createOrganizationConnections(store: Store): OrganizationConnectionsAdapter {
  const rowsIn = (tenantId: string, organizationId: string) =>
    rowsOf(store, organizationConnections, tenantId)
      .select(columns)
      .select(embedded)
      .where("organization_id", "=", organizationId);
  const shown = (tenantId: string, row: Row) =>
    withConnection(decoded(store, organizationConnections, tenantId, row), row);

  return {
    async create(tenantId, organizationId, input, options) {
      const { id: _id, ...importMetadata } = options?.importMetadata ?? {};
      const values = { ...input, organization_id: organizationId };
      const row = newRow(store, organizationConnections, tenantId, values, { importMetadata });
      const created = await insertRow(store, organizationConnections, row)
        .returning(columns)
        .returning(embedded)
        .executeTakeFirstOrThrow();
      return shown(tenantId, created);
    },

    async list(tenantId, organizationId) {
      const rows = await rowsIn(tenantId, organizationId).orderBy("created_at").orderBy("connection_id").execute();
      return rows.map((row) => shown(tenantId, row as Row));
    },

    async get(tenantId, organizationId, connectionId) {
      const row = await rowsIn(tenantId, organizationId).where("connection_id", "=", connectionId).executeTakeFirst();
      return row ? shown(tenantId, row) : null;
    },

    async update(tenantId, organizationId, connectionId, patch) {
      const { organization_id: _organization, ...changes }: Partial<Stored> = patch;
      const row = await updateOf(store, organizationConnections, tenantId, connectionId, changes)
        ?.where("organization_id", "=", organizationId)
        .returning(columns)
        .returning(embedded)
        .executeTakeFirst();
      return row ? shown(tenantId, row) : null;
    },

    async remove(tenantId, organizationId, connectionId) {
      const { numDeletedRows } = await deleteFrom(
        store,
        organizationConnections.table,
        tenantId,
        "organization_id",
        organizationId,
      )
        .where("connection_id", "=", connectionId)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
  };
}

function withConnection({ organization_id: _id, ...shown }: Stored, row: Row): OrganizationConnection {
  if (typeof row.connection !== "string") return shown;
  return { ...shown, connection: JSON.parse(row.connection) as OrganizationConnection["connection"] };
}
