import type { DatabaseConnection, Dialect } from "kysely";
import type { Around } from "../domain/around.ts";
import type { Database } from "./database.ts";

/** The same database with somebody around every way to it: `query` for one statement, `batch` for several. */
export function watchedDatabase(database: Database, around: Around): Database {
  return {
    dialect: watchedDialect(database.dialect, around),
    batch: (statements) => around("batch", () => database.batch(statements), statements),
    close: () => database.close(),
  };
}

function watchedDialect(dialect: Dialect, around: Around): Dialect {
  // A driver knows its connections again by what they are, and may hand the same one out twice.
  const watched = new WeakSet<DatabaseConnection>();
  const watch = (connection: DatabaseConnection): DatabaseConnection => {
    if (watched.has(connection)) return connection;
    watched.add(connection);
    const executeQuery = connection.executeQuery.bind(connection);
    connection.executeQuery = (query) => around("query", () => executeQuery(query), [query]);
    return connection;
  };

  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver() {
      const driver = dialect.createDriver();
      const acquire = driver.acquireConnection.bind(driver);
      driver.acquireConnection = async () => watch(await acquire());
      return driver;
    },
  };
}
