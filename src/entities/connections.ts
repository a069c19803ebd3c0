import type { Connection, ConnectionInsert, ConnectionsAdapter } from "@authhero/adapter-interfaces";
import { prefixedId } from "../domain/ids.ts";
import { doc, mark, secretJson, text, time } from "./columns.ts";
import { holdsConnection, withoutConnection } from "./connection-list.ts";
import { crud, deleteFrom, removeWith } from "./crud.ts";
import { entity } from "./entity.ts";
import { nowOf, type Store } from "./store.ts";

/** Where identities come from. `enabled_clients` is the clients' business: see `clientConnections`. */
export const connections = entity<Omit<Connection, "enabled_clients">, ConnectionInsert>({
  table: "connections",
  key: "id",
  columns: {
    id: text(),
    name: text(),
    strategy: text(),
    is_system: mark(),
    options: secretJson(),
    created_at: time(),
    updated_at: time(),
    display_name: doc(),
    response_type: doc(),
    response_mode: doc(),
    is_domain_connection: doc(),
    show_as_button: doc(),
    metadata: doc(),
  },
  ignored: ["enabled_clients"],
  defaults: () => ({ id: prefixedId("con") }),
  absent: () => ({ options: {} }),
  filters: { fields: { id: "text", name: "text", strategy: "text" }, search: { name: "contains" } },
  sortable: ["name", "strategy", "created_at"],
  order: [["created_at", "asc"]],
});

const DEPENDANTS = ["organization_connections", "scim_configurations", "scim_tokens", "scim_external_ids"] as const;

/** The `connections` adapter. A connection takes its place among the clients' connections along with it. */
export function createConnections(store: Store): ConnectionsAdapter {
  const { create, get, list, update } = crud(store, connections, { as: "connections" });
  return {
    create,
    get,
    list,
    update,

    remove: (tenantId, id) =>
      removeWith(
        store,
        [
          ...DEPENDANTS.map((table) => deleteFrom(store, table, tenantId, "connection_id", id)),
          store.db
            .updateTable("clients")
            .set({ connections: withoutConnection(id), updated_at: Date.parse(nowOf(store)) })
            .where("tenant_id", "=", tenantId)
            .where(holdsConnection(id)),
        ],
        deleteFrom(store, connections.table, tenantId, "id", id),
      ),
  };
}
