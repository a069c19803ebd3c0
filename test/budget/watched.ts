import type { CompiledQuery } from "kysely";
import type { Database } from "../../src/db/database.ts";

/** The same database; every query of Kysely's is noted, and how many statements a batch had. */
export function watched(
  inner: Database,
  noteQuery: (query: CompiledQuery) => void,
  noteBatch: (statements: number) => void = () => {},
): Database {
  const createDriver = () => {
    const driver = inner.dialect.createDriver();
    const acquire = driver.acquireConnection.bind(driver);
    driver.acquireConnection = async () => {
      const connection = await acquire();
      const execute = connection.executeQuery.bind(connection);
      // Every time a new one; the driver knows its transactions by it, so it stays the same object.
      return Object.assign(connection, {
        executeQuery<R>(query: CompiledQuery) {
          noteQuery(query);
          return execute<R>(query);
        },
      });
    };
    return driver;
  };
  const { dialect } = inner;
  return {
    dialect: {
      createAdapter: () => dialect.createAdapter(),
      createDriver,
      createIntrospector: (db) => dialect.createIntrospector(db),
      createQueryCompiler: () => dialect.createQueryCompiler(),
    },
    batch(statements) {
      noteBatch(statements.length);
      return inner.batch(statements);
    },
    close: () => inner.close(),
  };
}
