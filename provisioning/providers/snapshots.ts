import { chmod, constants, copyFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";
import { plainId } from "../../src/domain/ids.ts";
import { makeDirectory, sweep, unless } from "./files.ts";

/** A template or two are in use at a time; more would only fill the disk. */
const SNAPSHOTS_KEPT = 4;

/** Nobody takes an hour to copy one database, so what is older was left by a crash. */
export const LEFTOVER_AGE_MS = 3_600_000;

/** `newPath` gives such names, and SQLite companions to some; the number is that of the process. */
export const SNAPSHOT_NAME = /^(\d+)-[\w-]{21}\.db(?:-wal|-shm|-journal)?$/;

const FILE_MODE = 0o600;

/**
 * A tenant's schema is some hundred tables and indexes of a page each at least, most of them empty, and every open
 * database keeps the pages it has read. With 4 KiB a new tenant takes 598 kB on the disk, with 1 KiB 173 kB; reads and
 * writes take the same time with both, also where rows are longer than a page (`docs/performance.md`).
 */
const PAGE_BYTES = 1024;

/** How to make a snapshot of something, and by what to see that it has changed since. */
interface Recipe {
  readonly source: string;
  /** Changes with every write to the source. */
  readonly signature: string;
  make(path: string): Promise<void>;
}

interface Snapshot extends Recipe {
  readonly path: Promise<string>;
}

/**
 * Copies of databases that may be in use, for the file provider. Copying the file itself would not do: another
 * process may be writing it, and part of it may still be in its log. So SQLite makes a private snapshot once,
 * and every copy until the source changes is a plain copy of that.
 */
export function createSnapshots(directory: string) {
  const kept = new Map<string, Snapshot>();
  const newPath = () => join(directory, `${process.pid}-${plainId()}.db`);
  const prepare = once(async () => {
    await makeDirectory(directory);
    await sweep(directory, LEFTOVER_AGE_MS, new Date());
  });

  const forget = async (snapshot: Snapshot): Promise<void> => {
    if (kept.get(snapshot.source) === snapshot) kept.delete(snapshot.source);
    await snapshot.path
      .then((path) => rm(path, { force: true }))
      .catch(() => {
        // Whoever asked learns that it could not be made; one that could not be removed is swept later.
      });
  };

  const snapshotOf = (recipe: Recipe): Snapshot => {
    const found = kept.get(recipe.source);
    if (found?.signature === recipe.signature) return found;
    if (found) void forget(found);
    const path = newPath();
    const snapshot = { ...recipe, path: recipe.make(path).then(() => chmod(path, FILE_MODE).then(() => path)) };
    snapshot.path.catch(() => forget(snapshot));
    kept.set(recipe.source, snapshot);
    const [oldest] = kept.size > SNAPSHOTS_KEPT ? kept.values() : [];
    if (oldest) void forget(oldest);
    return snapshot;
  };

  const tryCopy = async (recipe: Recipe, target: string): Promise<boolean> => {
    const snapshot = snapshotOf(recipe);
    try {
      // The copy is for the owner only, as the snapshot is.
      await copyFile(await snapshot.path, target, constants.COPYFILE_EXCL);
      return true;
    } catch (error) {
      await forget(snapshot);
      unless("ENOENT")(error);
      return false;
    }
  };

  const copy = async (recipe: Recipe): Promise<string> => {
    await prepare();
    const target = newPath();
    // Another process may have swept our snapshot away as a leftover; the second one is new.
    if (!(await tryCopy(recipe, target))) await tryCopy(recipe, target);
    return target;
  };

  return {
    /** A copy of the database at `path`, as of now, under a temporary name that the caller takes over; null if it is not there. */
    copyOf: async (path: string): Promise<string | null> => {
      const signature = await signatureOf(path);
      return signature && copy({ source: path, signature, make: (target) => vacuumInto(path, target) });
    },

    /** An empty database in WAL mode, likewise. */
    empty: (): Promise<string> => copy({ source: "", signature: "", make: makeEmpty }),
  };
}

/** Does it at the first call; the others wait for that one. A failure is forgotten. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return async () => {
    done ??= work();
    try {
      await done;
    } catch (error) {
      done = undefined;
      throw error;
    }
  };
}

/** Every write goes to the log or the database, and that then has a new time or size. An empty log is as none. */
async function signatureOf(path: string): Promise<string | null> {
  const parts = await Promise.all(
    [path, `${path}-wal`].map((part) => stat(part, { bigint: true }).catch(unless("ENOENT"))),
  );
  if (!parts[0]) return null;
  return parts.map((part) => (part?.size ? `${part.ino}:${part.size}:${part.mtimeNs}` : "-")).join(" ");
}

async function vacuumInto(path: string, target: string): Promise<void> {
  await using(await openFile(path), (db) => sql`vacuum into ${target}`.execute(db));
  // Opening it once turns on the log, which the copies then inherit.
  await makeEmpty(target);
}

async function makeEmpty(target: string): Promise<void> {
  // A database without a page has no header yet; this writes one.
  await using(await openFile(target, { create: true, pageBytes: PAGE_BYTES }), (db) =>
    sql`pragma user_version = 0`.execute(db),
  );
}

async function using(database: Database, work: (db: Kysely<unknown>) => Promise<unknown>): Promise<void> {
  try {
    await work(new Kysely<unknown>({ dialect: database.dialect }));
  } finally {
    await database.close();
  }
}
