import type { Dirent, Stats } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { DatabaseName } from "../../src/domain/names.ts";
import { makeDirectory, onFiles, unless } from "./files.ts";
import type { DatabaseProvider, Stray } from "./provider.ts";
import { isRunning } from "./running.ts";
import { LEFTOVER_AGE_MS, SNAPSHOT_NAME } from "./snapshots.ts";

interface Places {
  readonly directory: string;
  /** Where the databases of deleted tenants are; in the directory. */
  readonly retired: string;
  /** Where copies are made; in the directory. */
  readonly making: string;
}

const EXTENSION = ".db";

/** A database or one of the two files that SQLite keeps beside it. */
const FILE_NAME = /^(.+)\.db(-wal|-shm)?$/;

/** Finds what lies among the files of databases and is none. */
export function createStrays({ directory, retired, making }: Places) {
  const nameOf = (at: string, file: string) => relative(directory, join(at, file));
  const isOwnDirectory = (at: string, entry: Dirent) =>
    entry.isDirectory() && [retired, making].includes(join(at, entry.name));

  async function* straysIn(at: string, elsewhere: Files): AsyncIterable<Stray> {
    const files = await filesIn(at);
    for (const [file, entry] of files) {
      if (isOwnDirectory(at, entry)) continue;
      const { database, companion } = entry.isFile() ? partsOf(file) : NO_DATABASE;
      const kind = kindOf(database, companion, files, elsewhere);
      if (!kind) continue;
      const isVoid = companion !== undefined && (await isEmpty(join(at, file), companion));
      yield { name: nameOf(at, file), kind, database, isEmpty: isVoid };
    }
  }

  async function* unfinished(): AsyncIterable<Stray> {
    for (const [file, entry] of await filesIn(making)) {
      const stray = { name: nameOf(making, file), database: null };
      const pid = entry.isFile() ? SNAPSHOT_NAME.exec(file)?.[1] : undefined;
      if (pid === undefined) yield { ...stray, kind: "unknown", isEmpty: false };
      else if (!isRunning(Number(pid)) && (await isOld(join(making, file)))) {
        yield { ...stray, kind: "half_made", isEmpty: true };
      }
    }
  }

  async function* strays(): AsyncIterable<Stray> {
    await onFiles(() => makeDirectory(retired));
    yield* straysIn(directory, new Map());
    // A database in both places is told once.
    yield* straysIn(retired, await filesIn(directory));
    yield* unfinished();
  }

  return {
    strays,

    async clear(name) {
      for await (const stray of strays()) {
        if (stray.name !== name || (stray.kind !== "companion" && stray.kind !== "half_made")) continue;
        await onFiles(() => rm(join(directory, name), { force: true }));
      }
    },
  } satisfies Pick<DatabaseProvider, "strays" | "clear">;
}

type Files = ReadonlyMap<string, Dirent>;

async function filesIn(directory: string): Promise<Files> {
  const entries = await onFiles(() => readdir(directory, { withFileTypes: true }).catch(unless("ENOENT")));
  return new Map((entries ?? []).map((entry) => [entry.name, entry]));
}

/** What a file is that is not where it belongs; null for one that is. */
function kindOf(database: DatabaseName | null, companion: string | undefined, files: Files, elsewhere: Files) {
  if (database === null) return "unknown";
  const file = `${database}${EXTENSION}`;
  if (companion !== undefined) return files.has(file) ? null : "companion";
  return elsewhere.has(file) ? "twice" : null;
}

const NO_DATABASE = { database: null, companion: undefined };

function partsOf(file: string): { readonly database: DatabaseName | null; readonly companion: string | undefined } {
  const [, name, companion] = FILE_NAME.exec(file) ?? [];
  const parsed = DatabaseName.safeParse(name);
  return { database: parsed.success ? parsed.data : null, companion };
}

/** An index is made anew from the log; a log without a byte has nothing to tell. */
async function isEmpty(path: string, companion: string): Promise<boolean> {
  return companion === "-shm" || (await statOf(path))?.size === 0;
}

/** A copy that its process was still making is younger. */
async function isOld(path: string): Promise<boolean> {
  const found = await statOf(path);
  return found !== undefined && Date.now() - found.mtimeMs > LEFTOVER_AGE_MS;
}

const statOf = (path: string): Promise<Stats | undefined> => onFiles(() => stat(path).catch(unless("ENOENT")));
