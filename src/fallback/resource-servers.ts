import type { DataAdapters, ResourceServer, ResourceServersAdapter } from "@authhero/adapter-interfaces";
import type { LenderOf } from "./lender.ts";

/** Shows a tenant's system APIs with the scopes that the control plane's API of that identifier has. */
export function withSystemScopes(adapters: DataAdapters, lenderOf: LenderOf): DataAdapters {
  return {
    ...adapters,
    resourceServers: inheritedResourceServers(adapters.resourceServers, lenderOf),
    transaction: (work) => adapters.transaction((inside) => work(withSystemScopes(inside, lenderOf))),
  };
}

function inheritedResourceServers(own: ResourceServersAdapter, lenderOf: LenderOf): ResourceServersAdapter {
  const lentTo = async (tenantId: string, { identifier, is_system }: ResourceServer): Promise<Scopes> => {
    const lender = is_system ? await lenderOf(tenantId) : null;
    return (await lender?.resourceServer(identifier))?.scopes ?? [];
  };
  const merged = async (tenantId: string, row: ResourceServer): Promise<ResourceServer> => {
    const lent = await lentTo(tenantId, row);
    return lent.length > 0 ? { ...row, scopes: mergeScopes(lent, row.scopes ?? []) } : row;
  };
  return {
    ...own,
    async get(tenantId, id) {
      const row = await own.get(tenantId, id);
      return row && (await merged(tenantId, row));
    },
    async list(tenantId, params) {
      const page = await own.list(tenantId, params);
      const rows = await Promise.all(page.resource_servers.map((row) => merged(tenantId, row)));
      return { ...page, resource_servers: rows };
    },
    async update(tenantId, id, patch) {
      const row = patch.scopes ? await own.get(tenantId, id) : null;
      if (!row || !patch.scopes) return await own.update(tenantId, id, patch);
      const lent = new Set((await lentTo(tenantId, row)).map(({ value }) => value));
      const ownValues = new Set(row.scopes?.map(({ value }) => value));
      const scopes = patch.scopes.filter(({ value }) => ownValues.has(value) || !lent.has(value));
      return await own.update(tenantId, id, { ...patch, scopes });
    },
  };
}

type Scopes = NonNullable<ResourceServer["scopes"]>;

/** By value: a tenant's own scope stands for the inherited one. */
const mergeScopes = (lent: Scopes, own: Scopes): Scopes => [
  ...new Map([...lent, ...own].map((scope) => [scope.value, scope])).values(),
];
