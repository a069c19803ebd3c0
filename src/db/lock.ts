import { Kysely } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import { openFile } from "./native.ts";

/**
 * Takes a lock that ends with this process, however it ends: an open write transaction on a database of its own.
 * Throws `conflict` (`already_locked`) while another process holds it.
 */
export async function holdLock(path: string): Promise<{ release(): Promise<void> }> {
  const database = await openFile(path, { create: true });
  const db = new Kysely<object>({ dialect: database.dialect });
  try {
    const transaction = await db.startTransaction().execute();
    return {
      async release() {
        await transaction.rollback().execute();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    if (!(error instanceof PlatformError) || error.reason !== "database_busy") throw error;
    throw new PlatformError("conflict", "already_locked", "Another process holds the lock", { cause: error });
  }
}
