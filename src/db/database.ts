import type { Dialect } from "kysely";

/** What SQLite stores. Booleans, dates and objects are for the codecs in `src/entities/columns.ts`. */
export type SqlValue = string | number | bigint | Uint8Array | null;

/** A compiled statement: what Kysely's `.compile()` gives. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export interface StatementResult {
  readonly rows: readonly Record<string, unknown>[];
  /** Rows inserted, updated or deleted; with RETURNING, the rows returned. The same on every transport. */
  readonly changes: number;
}

/**
 * One open database, whatever carries it: a local file, a libSQL server, Turso Cloud.
 *
 * Every failure is a `PlatformError`: `conflict` with reason `unique_violation` or `foreign_key_violation`
 * for constraints, `unavailable` when waiting may help, `internal` for SQL we got wrong.
 */
export interface Database {
  /** For Kysely. Independent reads run in parallel where the transport can. */
  readonly dialect: Dialect;

  /** Runs all statements or none, in order, in one round trip. An empty batch does nothing. */
  batch(statements: readonly Statement[]): Promise<readonly StatementResult[]>;

  /** Ends it. Repeating the call is harmless; any other call afterwards is `unavailable`. */
  close(): Promise<void>;
}
