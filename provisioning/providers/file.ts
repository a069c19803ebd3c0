import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import * as z from "zod";
import { backUpFile } from "../../src/db/backup.ts";
import type { Database, Statement } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { DatabaseName } from "../../src/domain/names.ts";
import { defineProvider } from "./define.ts";
import { createCloseCounter } from "./descriptors.ts";
import { makeDirectory, onFiles, publish, reinstate, removeDatabase, sizeOf, withdraw } from "./files.ts";
import { createSnapshots } from "./snapshots.ts";
import { createStrays } from "./strays.ts";

/** SQLite's header (https://sqlite.org/fileformat.html, 1.3). A shorter file was cut off. */
const HEADER_BYTES = 100;

const EXTENSION = ".db";

/** Makes SQLite look at the file, which it does only when it must. */
const LOOK: Statement = { sql: "select count(*) from sqlite_schema", parameters: [] };

const FileOptions = z.strictObject({
  /** Where the databases are. Made when it is missing, for the owner only. */
  directory: z.string().min(1),
});

/**
 * One SQLite file per database, on this machine. The reference provider: the others are judged against it.
 *
 * Whatever the file system refuses is `unavailable` (`storage_failed`); a file that is no database any more is
 * `unavailable` (`database_unreadable`).
 */
export const fileProvider = defineProvider("file", FileOptions, ({ directory }) => {
  const retired = join(directory, "deleted");
  const pathOf = (database: DatabaseName) => join(directory, `${database}${EXTENSION}`);
  const retiredPathOf = (database: DatabaseName) => join(retired, `${database}${EXTENSION}`);
  const making = join(directory, "making");
  const snapshots = createSnapshots(making);
  const countClose = createCloseCounter();

  const exists = (database: DatabaseName) => isOneThere([pathOf(database), retiredPathOf(database)]);

  const make = async (database: DatabaseName, from: DatabaseName | undefined) => {
    const draft = await (from ? snapshots.copyOf(pathOf(from)) : snapshots.empty());
    if (!draft) throw missing(from ?? database);
    await publish(draft, pathOf(database));
  };

  return {
    supports: { list: true, retainBlocks: false },

    ensure: (database, { from } = {}) =>
      onFiles(async () => {
        const [isThere] = await Promise.all([exists(database), makeDirectory(retired)]);
        if (!isThere) await make(database, from);
        return { locator: `${database}${EXTENSION}` };
      }),

    open: (database) =>
      onFiles(async () => {
        const size = await sizeOf(pathOf(database));
        if (size === null) throw missing(database);
        if (size < HEADER_BYTES) throw unreadable(database);
        return counted(await openReadable(pathOf(database), database), countClose);
      }),

    retain: (database) =>
      onFiles(async () => {
        await makeDirectory(retired);
        if ((await sizeOf(pathOf(database))) !== null) await checkpoint(pathOf(database));
        await withdraw(pathOf(database), retiredPathOf(database));
      }),

    release: (database) =>
      onFiles(async () => {
        await makeDirectory(retired);
        await reinstate(retiredPathOf(database), pathOf(database));
      }),

    destroy: (database) =>
      onFiles(async () => {
        await makeDirectory(retired);
        await removeDatabase(pathOf(database));
        await removeDatabase(retiredPathOf(database));
      }),

    usage: (database) =>
      onFiles(async () => {
        for (const path of [pathOf(database), retiredPathOf(database)]) {
          const size = await sizeOf(path);
          // What was written last may still be in the log only.
          if (size !== null) return { storageBytes: size + ((await sizeOf(`${path}-wal`)) ?? 0) };
        }
        throw missing(database);
      }),

    backUp: (database, file, verify) =>
      onFiles(async () => {
        if ((await sizeOf(pathOf(database))) === null) throw missing(database);
        await backUpFile(pathOf(database), file, verify);
      }),

    async *list() {
      const files = await onFiles(async () => {
        await makeDirectory(retired);
        return [...(await readdir(directory)), ...(await readdir(retired))];
      });
      for (const file of new Set(files)) {
        const name = file.endsWith(EXTENSION) ? DatabaseName.safeParse(file.slice(0, -EXTENSION.length)) : undefined;
        if (name?.success) yield name.data;
      }
    },

    ...createStrays({ directory, retired, making }),
  };
});

async function isOneThere(paths: readonly string[]): Promise<boolean> {
  return (await Promise.all(paths.map(sizeOf))).some((size) => size !== null);
}

/** Opens a file that is there, and reads something. */
async function openReadable(path: string, name: DatabaseName): Promise<Database> {
  const database = await openFile(path, { isThere: true });
  try {
    await database.batch([LOOK]);
    return database;
  } catch (cause) {
    await database.close();
    throw cause instanceof PlatformError && cause.code === "unavailable" ? cause : unreadable(name, cause);
  }
}

function counted(database: Database, countClose: () => void): Database {
  let closing: Promise<void> | undefined;
  return { ...database, close: () => (closing ??= database.close().finally(countClose)) };
}

/** Brings everything into the database file, so that it is whole by itself. */
async function checkpoint(path: string): Promise<void> {
  try {
    const database = await openFile(path);
    try {
      await sql`pragma wal_checkpoint(truncate)`.execute(new Kysely<unknown>({ dialect: database.dialect }));
    } finally {
      await database.close();
    }
  } catch {
    // The log moves along with the database, so nothing is lost; and a damaged database must be movable too.
  }
}

function missing(database: DatabaseName): PlatformError {
  return new PlatformError("not_found", "database_missing", `There is no database ${database}`);
}

function unreadable(database: DatabaseName, cause?: unknown): PlatformError {
  return new PlatformError("unavailable", "database_unreadable", `The database ${database} cannot be read`, { cause });
}
