import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  RawNode,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from "kysely";
import { PlatformError } from "../domain/errors.ts";
import type { Statement, StatementResult } from "./database.ts";
import { kindOf, type StatementKind } from "./sql.ts";

/** What a way to a database must offer so that Kysely can use it. */
export interface Transport {
  /** Runs one statement on its own. Reads may run beside each other and beside a transaction. */
  execute(statement: Statement, kind: StatementKind): Promise<StatementResult>;
  /** Starts a transaction that holds the write lock. */
  begin(): Promise<Transaction>;
}

/** One open transaction. After `commit` or `rollback`, whatever they said, it is over. */
export interface Transaction {
  execute(statement: Statement, kind: StatementKind): Promise<StatementResult>;
  commit(): Promise<void>;
  /** Never throws: the error that led here is the one to see. Harmless when the transaction is over. */
  rollback(): Promise<void>;
}

/** Runs the statements and commits, or runs none of them. */
export async function runAll(
  transaction: Transaction,
  statements: readonly Statement[],
): Promise<readonly StatementResult[]> {
  const results: StatementResult[] = [];
  try {
    for (const statement of statements) results.push(await transaction.execute(statement, kindOf(statement.sql)));
    await transaction.commit();
    return results;
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}

/** One for all databases: it keeps nothing from one query to the next, and has a hundred bound methods. */
const compiler = new SqliteQueryCompiler();

/**
 * Kysely over a transport. Unlike Kysely's own SQLite driver it has no mutex, so independent reads run in
 * parallel. Destroying the `Kysely` leaves the database open: it belongs to whoever opened it.
 */
export function createDialect(transport: Transport): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createDriver(transport),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => compiler,
  };
}

function createDriver(transport: Transport): Driver {
  const transactions = new WeakMap<DatabaseConnection, Transaction>();
  const command = (connection: DatabaseConnection, verb: string, name: string) =>
    transactions.get(connection)?.execute({ sql: `${verb} "${name.replaceAll('"', '""')}"`, parameters: [] }, "write");
  const rollback = async (connection: DatabaseConnection) => {
    await transactions.get(connection)?.rollback();
    transactions.delete(connection);
  };

  return {
    async init() {},
    async destroy() {},

    acquireConnection() {
      const connection: DatabaseConnection = createConnection((query, kind) =>
        (transactions.get(connection) ?? transport).execute(query, kind),
      );
      return Promise.resolve(connection);
    },

    async beginTransaction(connection, settings) {
      refuseReadOnly(settings);
      transactions.set(connection, await transport.begin());
    },

    async commitTransaction(connection) {
      await transactions.get(connection)?.commit();
      transactions.delete(connection);
    },

    rollbackTransaction: rollback,
    // What nobody committed must not keep the lock.
    releaseConnection: rollback,

    async savepoint(connection, name) {
      await command(connection, "savepoint", name);
    },
    async rollbackToSavepoint(connection, name) {
      await command(connection, "rollback to", name);
    },
    async releaseSavepoint(connection, name) {
      await command(connection, "release", name);
    },
  };
}

type Execute = Transport["execute"];

function createConnection(execute: Execute): DatabaseConnection {
  const connection: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const kind = kindOfQuery(query);
      const { rows, changes } = await execute(query, kind);
      // Kysely's caller names the row type; only the database knows whether it is right.
      const typed = [...rows] as R[];
      return kind === "read" ? { rows: typed } : { rows: typed, numAffectedRows: BigInt(changes) };
    },

    // Results are small pages by rule, so a stream is one page.
    async *streamQuery<R>(query: CompiledQuery) {
      yield await connection.executeQuery<R>(query);
    },
  };
  return connection;
}

function kindOfQuery({ query, sql }: CompiledQuery): StatementKind {
  if (SelectQueryNode.is(query)) return "read";
  return RawNode.is(query) ? kindOf(sql) : "write";
}

/** A promise nobody keeps is worse than none: every transaction takes the write lock. */
function refuseReadOnly(settings: TransactionSettings): void {
  if (settings.accessMode === "read only") {
    throw new PlatformError("internal", "read_only_transaction", "Read-only transactions are not supported");
  }
}
