import type { StatementResult } from "../db/database.ts";
import { nowOf, type Store } from "./store.ts";

/** Pairs that are there or not: roles of users, permissions of roles. A pair is its own key. */
export interface Link {
  readonly table: string;
  /** The columns besides the tenant that make a pair. */
  readonly pair: readonly string[];
}

type Pair = Readonly<Record<string, string>>;

/** Adding a pair twice and removing one that is absent are both done, not wrong; each is one unit, however many. */
export function link(store: Store, { table, pair }: Link) {
  const insert = (tenantId: string, pairs: readonly Pair[], createdAt = nowOf(store)) => {
    const at = Date.parse(createdAt);
    const rows = pairs.map((values) => ({ tenant_id: tenantId, ...values, created_at: at }));
    return store.db
      .insertInto(table)
      .values(rows)
      .onConflict((conflict) => conflict.columns(["tenant_id", ...pair]).doNothing());
  };
  return {
    /** The statement of `add`, for a batch with others. */
    insert,

    async add(tenantId: string, pairs: readonly Pair[], createdAt?: string): Promise<void> {
      if (pairs.length > 0) await insert(tenantId, pairs, createdAt).execute();
    },

    remove: (tenantId: string, pairs: readonly Pair[]): Promise<readonly StatementResult[]> =>
      store.batch(
        pairs.map((values) =>
          pair.reduce(
            (statement, column) => statement.where(column, "=", values[column]),
            store.db.deleteFrom(table).where("tenant_id", "=", tenantId),
          ),
        ),
      ),
  };
}
