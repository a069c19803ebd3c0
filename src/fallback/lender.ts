import type { Connection, DataAdapters, Tenant } from "@authhero/adapter-interfaces";

/** A control plane as its children see it: what it lends, read from its own database at the moment of use. */
export interface Lender {
  readonly tenantId: string;
  /** Its connections of a strategy that a child may find by that strategy. */
  connectionsOf(strategy: string): Promise<readonly Connection[]>;
  /** Its own settings as a tenant. */
  settings(): Promise<Partial<Tenant>>;
}

/** Whom a tenant inherits from; null for a tenant that has only its own. */
export type LenderOf = (tenantId: string) => Promise<Lender | null>;

/** Members a lender is read from. */
export type Lent = Pick<DataAdapters, "connections" | "tenants">;

/** Answers what was read before, or reads it; `key` says what it is. */
export type Remember = <T>(key: string, read: () => Promise<T>) => Promise<T>;

export interface LenderOptions {
  readonly tenantId: string;
  readonly adapters: Lent;
  readonly remember: Remember;
}

/** Two are too many already: more than a page of them need not be told apart. */
const CONNECTIONS_MAX = 50;

export function createLender({ tenantId, adapters, remember }: LenderOptions): Lender {
  return {
    tenantId,
    connectionsOf: (strategy) =>
      remember(`connections ${strategy}`, async () => {
        const params = { q: `strategy:${JSON.stringify(strategy)}`, per_page: CONNECTIONS_MAX };
        const { connections } = await adapters.connections.list(tenantId, params);
        // The query is for the page, this is for safety.
        return connections.filter((each) => each.strategy === strategy && each.metadata?.inheritable !== false);
      }),
    settings: () => remember("settings", async () => (await adapters.tenants.get(tenantId)) ?? {}),
  };
}
