import { stat } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { PlatformError } from "../domain/errors.ts";
import { type Connection, connect } from "./connection.ts";
import type { Database, Statement } from "./database.ts";
import { createDialect } from "./dialect.ts";
import { closedError } from "./errors.ts";
import { kindOf } from "./sql.ts";

/**
 * Opens somebody else's database file, so that nothing can change it: SQLite itself refuses every write, and its
 * journal mode stays as it is. Throws `not_found` (`database_missing`) and `unavailable` (`database_unreadable`).
 */
export async function openReadOnly(path: string): Promise<Database> {
  if (!(await stat(path).catch(() => null))?.isFile()) {
    throw new PlatformError("not_found", "database_missing", `There is no database file ${path}`);
  }
  // The driver's own option for it changes nothing; SQLite reads the URI.
  let connection: Connection | null = connect(`${pathToFileURL(path).href}?mode=ro`);

  const read = (statement: Statement) => {
    if (!connection) throw closedError();
    if (kindOf(statement.sql) !== "read") throw refused();
    return connection.run(statement);
  };

  return {
    dialect: createDialect({
      execute: async (statement) => await Promise.resolve(statement).then(read),
      begin: () => Promise.reject(refused()),
    }),
    batch: async (statements) => await Promise.resolve(statements).then((all) => all.map(read)),
    close() {
      connection?.close();
      connection = null;
      return Promise.resolve();
    },
  };
}

const refused = () => new PlatformError("internal", "read_only", "This database is only read");
