import Libsql from "libsql";
import { PlatformError } from "../domain/errors.ts";
import { keepRecent } from "../domain/recent.ts";
import type { Statement, StatementResult } from "./database.ts";
import { translate } from "./errors.ts";
import { isExplain, kindOf, splitStatements } from "./sql.ts";
import { fromDriver, toParameters } from "./values.ts";

/** Enough for the statements of a login; the rest is prepared again. A thousand open tenants keep two sets each. */
const STATEMENTS_KEPT = 100;

/** Several times what all of ours and AuthHero's calls together make. */
const TEXTS_MAX = 5_000;

/** One native connection to one file. Every call blocks until SQLite has answered; none waits for a lock. */
export interface Connection {
  run(statement: Statement): StatementResult;
  /** For BEGIN, COMMIT, ROLLBACK: forgets the statement at once, so that a BUSY leaves nothing unfinished. */
  exec(sql: string): void;
  inTransaction(): boolean;
  /** Repeating the call is harmless. The descriptors go when the garbage collector finds the statements. */
  close(): void;
}

interface Prepared {
  readonly statement: Libsql.Statement<unknown[]>;
  readonly returnsRows: boolean;
  readonly isRead: boolean;
  /**
   * SQLite ends an EXPLAIN when it is reset, not when its last row is read; until then the connection keeps its
   * snapshot. Of the driver's calls only `get` resets what it has run.
   */
  readonly isExplain: boolean;
}

/** The texts of statements, of which every database would otherwise have a copy of its own. */
const texts = new Map<string, string>();

/** The same text, kept once. */
function shared(sql: string): string {
  const found = texts.get(sql);
  if (found !== undefined) return found;
  if (texts.size === TEXTS_MAX) texts.clear();
  texts.set(sql, sql);
  return sql;
}

/** Opens a connection. Errors arrive translated; an unreadable file shows at the first statement. */
export function connect(path: string): Connection {
  const native = translating(() => new Libsql(path));
  const kept = new Map<string, Prepared>();

  const prepare = (sql: string): Prepared => {
    const found = kept.get(sql) ?? prepareNew(native, sql);
    keepRecent(kept, shared(sql), found, STATEMENTS_KEPT);
    return found;
  };

  return {
    run: ({ sql, parameters }) => translating(() => run(prepare(sql), parameters)),
    exec: (sql) => translating(() => native.exec(sql)),
    // Asking a closed handle ends the process.
    inTransaction: () => native.open && native.inTransaction,
    close() {
      kept.clear();
      if (native.open) native.close();
    },
  };
}

function prepareNew(native: Libsql.Database, sql: string): Prepared {
  // SQLite would run the first and drop the rest without a word; servers refuse, and so do we.
  if (sql.includes(";") && splitStatements(sql).length > 1) {
    throw new PlatformError("internal", "many_statements", "One call runs one statement");
  }
  const statement = native.prepare(sql).safeIntegers(true);
  return { statement, returnsRows: statement.reader, isRead: kindOf(sql) === "read", isExplain: isExplain(sql) };
}

function run({ statement, returnsRows, isRead, isExplain }: Prepared, parameters: readonly unknown[]): StatementResult {
  const values = toParameters(parameters);
  if (!returnsRows) return { rows: [], changes: statement.run(values).changes };
  // `all` reads to the end; a statement left in the middle would keep its snapshot and block every commit.
  // Without `raw` or `pluck` the driver makes one plain object per row; its types do not say so.
  const rows = statement.all(values) as Record<string, unknown>[];
  if (isExplain) statement.get(values);
  for (const row of rows) {
    for (const column in row) row[column] = fromDriver(row[column]);
  }
  return { rows, changes: isRead ? 0 : rows.length };
}

function translating<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translate(error);
  }
}
