import type { Connection, ConnectionsAdapter, DataAdapters } from "@authhero/adapter-interfaces";
import { borrowed, lentConnection, withoutBorrowed } from "./connections.ts";
import type { LenderOf } from "./lender.ts";

/**
 * Lets a tenant use what its control plane lends: read at the moment of use, never copied. For the flows in which
 * people sign in only: what they read holds the control plane's secrets, so a management API must not see these
 * adapters. What writes carry back of an inherited value is taken out of them.
 */
export function withFallback(adapters: DataAdapters, lenderOf: LenderOf): DataAdapters {
  const { clientConnections } = adapters;
  const { connections, inherited } = inheritedConnections(adapters.connections, lenderOf);
  return {
    ...adapters,
    connections,
    clientConnections: {
      ...clientConnections,
      listByClient: async (tenantId, clientId) =>
        inherited(tenantId, await clientConnections.listByClient(tenantId, clientId)),
    },
    transaction: (work) => adapters.transaction((inside) => work(withFallback(inside, lenderOf))),
  };
}

function inheritedConnections(own: ConnectionsAdapter, lenderOf: LenderOf) {
  const inherited = async (tenantId: string, rows: readonly Connection[]): Promise<Connection[]> => {
    const lender = await lenderOf(tenantId);
    if (!lender) return [...rows];
    return await Promise.all(
      rows.map(async (row) => {
        const lent = await lentConnection(row, lender);
        return lent ? borrowed(row, lent) : row;
      }),
    );
  };

  const connections: ConnectionsAdapter = {
    ...own,
    async get(tenantId, id) {
      const row = await own.get(tenantId, id);
      return row && ((await inherited(tenantId, [row]))[0] ?? row);
    },
    async list(tenantId, params) {
      const page = await own.list(tenantId, params);
      return { ...page, connections: await inherited(tenantId, page.connections) };
    },
    async update(tenantId, id, patch) {
      if (!patch.options) return await own.update(tenantId, id, patch);
      const [row, lender] = await Promise.all([own.get(tenantId, id), lenderOf(tenantId)]);
      const lent = row && lender && (await lentConnection(row, lender));
      const options = lent ? withoutBorrowed(patch.options, row, lent) : patch.options;
      return await own.update(tenantId, id, { ...patch, options });
    },
  };
  return { connections, inherited };
}
