import { access, constants, stat } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { PlatformError } from "../domain/errors.ts";
import { type Connection, connect } from "./connection.ts";
import type { Database, Statement } from "./database.ts";
import { createDialect } from "./dialect.ts";
import { closedError } from "./errors.ts";
import { hasCode } from "./files.ts";
import { kindOf } from "./sql.ts";

/**
 * Opens somebody else's database file, so that nothing can change it: SQLite itself refuses every write, and its
 * journal mode stays as it is. Throws `not_found` (`database_missing`) and `unavailable` (`database_unreadable`).
 */
export async function openReadOnly(path: string): Promise<Database> {
  await requireReadable(path);
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

/** SQLite says of all of these only that it cannot open the file. */
async function requireReadable(path: string): Promise<void> {
  const found = await telling(path, () => stat(path));
  if (found.isDirectory()) throw unreadable(`${path} is a directory, and no database file`);
  if (!found.isFile()) throw unreadable(`${path} is no file`);
  await telling(path, () => access(path, constants.R_OK));
}

async function telling<T>(path: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (cause) {
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ENOTDIR")) {
      throw new PlatformError("not_found", "database_missing", `There is no database file ${path}`, { cause });
    }
    if (hasCode(cause, "EACCES")) throw unreadable(`${path} may not be read by this user (EACCES)`, cause);
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw unreadable(`${path} cannot be read${code}`, cause);
  }
}

const unreadable = (message: string, cause?: unknown) =>
  new PlatformError("unavailable", "database_unreadable", message, { cause });

const refused = () => new PlatformError("internal", "read_only", "This database is only read");
