import type { ClientConnectionsAdapter, Connection } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { clients } from "./clients.ts";
import { connectionList, holdsConnection, withConnection, withoutConnection } from "./connection-list.ts";
import { connections } from "./connections.ts";
import { decoded, rowsOf } from "./crud.ts";
import { type Row, storedColumns } from "./entity.ts";
import { nowOf, type Store } from "./store.ts";

/**
 * The `clientConnections` adapter: the `connections` of clients, seen from both sides. Every write is one statement,
 * so that two at once do not lose each other's. Ids that lead to no connection are kept, and passed over in reading.
 */
export function createClientConnections(store: Store): ClientConnectionsAdapter {
  /** True when there is such a client, whether its list changes or not. */
  const change = async (tenantId: string, clientId: string, list: unknown): Promise<boolean> => {
    const { numUpdatedRows } = await store.db
      .updateTable(clients.table)
      .set({ connections: list, updated_at: Date.parse(nowOf(store)) })
      .where("tenant_id", "=", tenantId)
      .where("client_id", "=", clientId)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  };

  return {
    async listByClient(tenantId, clientId) {
      const rows = await rowsOf(store, clients, tenantId)
        .innerJoin(sql`json_each(${connectionList})`.as("place"), (join) => join.onTrue())
        .innerJoin(connections.table, (join) =>
          join.onRef("connections.tenant_id", "=", "clients.tenant_id").onRef("connections.id", "=", "place.value"),
        )
        .select(storedColumns(connections).map((column) => `connections.${column}`))
        .where("clients.client_id", "=", clientId)
        .orderBy("place.key")
        .execute();
      return rows.map((row): Connection => decoded(store, connections, tenantId, row as Row));
    },

    updateByClient: (tenantId, clientId, connectionIds) =>
      change(tenantId, clientId, JSON.stringify([...new Set(connectionIds)])),

    async listByConnection(tenantId, connectionId) {
      const rows = await rowsOf(store, clients, tenantId)
        .select("client_id")
        .where(holdsConnection(connectionId))
        .orderBy("client_id")
        .execute();
      return rows.map((row) => String(row.client_id));
    },

    addClientToConnection: (tenantId, connectionId, clientId) =>
      change(tenantId, clientId, withConnection(connectionId)),

    removeClientFromConnection: (tenantId, connectionId, clientId) =>
      change(tenantId, clientId, withoutConnection(connectionId)),
  };
}
