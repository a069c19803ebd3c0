import { type Compilable, Kysely } from "kysely";
import type { Database, StatementResult } from "../db/database.ts";
import type { KeyRing } from "../db/seal.ts";
import type { Clock } from "../domain/clock.ts";
import type { Tag } from "../domain/names.ts";

/**
 * The tables as hand-written queries see them. Which columns there are is the entity definitions' word, and a test
 * holds them against the migrations; Kysely's own table types would say all of it a third time.
 */
// biome-ignore lint/suspicious/noExplicitAny: the one place where the row types are given up, for the reason above.
export type Tables = any;

/** What adapters need besides a database. */
export interface StoreOptions {
  readonly clock: Clock;
  /** Seals secrets at rest. Absent: they are stored as they come. */
  readonly keyRing?: KeyRing | undefined;
  /** The incarnation that ids made here carry; absent in a pooled database. */
  readonly tag?: Tag | undefined;
}

/** Where an adapter's statements run: a database, or a transaction on it. */
export interface Store extends StoreOptions {
  readonly db: Kysely<Tables>;
  /** All statements or none: one round trip on a database, one after the other inside a transaction. */
  batch(statements: readonly Compilable[]): Promise<readonly StatementResult[]>;
  /** Runs `work` in a write transaction; inside one already, in that. A throw rolls it back. */
  transaction<T>(work: (store: Store) => Promise<T>): Promise<T>;
}

export const nowOf = (store: Store) => store.clock().toISOString();

/** A store on one of our databases. */
export function createStore(database: Database, options: StoreOptions): Store {
  const db = new Kysely<Tables>({ dialect: database.dialect });
  return {
    ...options,
    db,
    batch: (statements) => database.batch(statements.map((statement) => statement.compile())),
    transaction: (work) => db.transaction().execute((trx) => work(within(trx, options))),
  };
}

/** Inside a transaction: a batch is its statements in order, a further transaction is this one. */
function within(trx: Kysely<Tables>, options: StoreOptions): Store {
  const store: Store = {
    ...options,
    db: trx,
    async batch(statements) {
      const results: StatementResult[] = [];
      for (const statement of statements) {
        const { rows, numAffectedRows } = await trx.executeQuery<Record<string, unknown>>(statement.compile());
        results.push({ rows, changes: rows.length > 0 ? rows.length : Number(numAffectedRows ?? 0) });
      }
      return results;
    },
    transaction: (work) => work(store),
  };
  return store;
}
