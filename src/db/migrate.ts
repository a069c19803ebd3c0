import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PlatformError } from "../domain/errors.ts";
import type { Database, Statement } from "./database.ts";
import { splitStatements } from "./sql.ts";

/** Which tables a database carries: a child has `tenant`, the control plane all three. */
export type MigrationSet = "tenant" | "shared" | "control-plane";

/** One migration, as it is recorded in the database. */
export interface Applied {
  readonly set: MigrationSet;
  /** The file name without its ending: `0001_users`. */
  readonly id: string;
  readonly checksum: string;
  /** Whether code that does not know it must leave the database alone. */
  readonly breaking: boolean;
}

interface Migration extends Applied {
  readonly statements: readonly Statement[];
}

const FILE_NAME = /^(\d{4}_[a-z0-9_]+)\.sql$/;

const CREATE_TABLE = `create table if not exists schema_migrations (
  migration_set text not null,
  id text not null,
  checksum text not null,
  breaking integer not null,
  applied_at text not null,
  primary key (migration_set, id)
) strict, without rowid`;

const RECORD = `insert into schema_migrations (migration_set, id, checksum, breaking, applied_at)
values (?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`;

/**
 * Where the SQL files lie: beside `src` in a checkout, beside `dist` in the package.
 * Throws `internal` (`migrations_missing`).
 */
export function migrationsDirectory(): string {
  for (const candidate of ["../../migrations", "../../../migrations"]) {
    const directory = fileURLToPath(new URL(candidate, import.meta.url));
    if (existsSync(directory)) return directory;
  }
  throw new PlatformError("internal", "migrations_missing", "The migrations directory is missing");
}

/** The migrations of a release, read and parsed once: for whoever brings many databases up to date. */
export interface Migrations {
  /** One hash over all of them: two fully migrated databases have the same schema if it is equal. */
  readonly hash: string;
  /** How many a fully migrated database has recorded. */
  readonly count: number;

  /**
   * Brings a database up to date and returns what it applied. Each migration is one batch, so it happens wholly
   * or not at all; of several processes that try, one does it and the others go on behind it.
   *
   * Throws what `pending` throws, and what a migration's own statements throw.
   */
  migrate(database: Database): Promise<Applied[]>;

  /**
   * What `migrate` would apply, in order, asked with one statement.
   *
   * Throws `invalid` (`migration_changed`) when the file of an applied migration was edited since, and
   * `unavailable` (`schema_too_new`) when newer code has made a breaking change this code does not know.
   */
  pending(database: Database): Promise<Applied[]>;
}

export async function readMigrations(
  sets: readonly MigrationSet[],
  directory = migrationsDirectory(),
): Promise<Migrations> {
  const known = (await Promise.all(sets.map((set) => readSet(set, join(directory, set))))).flat();
  return {
    hash: hashOf(known),
    count: known.length,
    migrate: (database) => applyPending(database, sets, known),
    pending: async (database) => (await findPending(database, sets, known)).map(publicPart),
  };
}

/** `migrate` of the migrations as they are now. */
export const migrate = async (
  database: Database,
  sets: readonly MigrationSet[],
  directory?: string,
): Promise<Applied[]> => (await readMigrations(sets, directory)).migrate(database);

/** `pending` of the migrations as they are now. */
export const pendingMigrations = async (
  database: Database,
  sets: readonly MigrationSet[],
  directory?: string,
): Promise<Applied[]> => (await readMigrations(sets, directory)).pending(database);

/** `hash` of the migrations as they are now. */
export const migrationHash = async (sets: readonly MigrationSet[], directory?: string): Promise<string> =>
  (await readMigrations(sets, directory)).hash;

/** How many migrations of a set a database has recorded. */
export async function recordedMigrations(database: Database, set: MigrationSet): Promise<number> {
  const sql = "select count(*) as recorded from schema_migrations where migration_set = ?";
  const [result] = await database.batch([{ sql, parameters: [set] }]);
  return Number(result?.rows[0]?.recorded);
}

async function applyPending(
  database: Database,
  sets: readonly MigrationSet[],
  known: readonly Migration[],
): Promise<Applied[]> {
  const applied: Applied[] = [];
  let pending = await findPending(database, sets, known);
  for (let next = pending.shift(); next; next = pending.shift()) {
    try {
      await database.batch([{ sql: CREATE_TABLE, parameters: [] }, recordOf(next), ...next.statements]);
      applied.push(publicPart(next));
    } catch (error) {
      // Somebody else was faster, or the answer was lost, or the migration is wrong: the record decides.
      pending = await findPending(database, sets, known).catch(() => known.slice());
      if (pending.some((migration) => isSame(migration, next))) throw error;
    }
  }
  return applied;
}

function hashOf(known: readonly Applied[]): string {
  const hash = createHash("sha256");
  for (const { set, id, checksum } of known) hash.update(`${set}/${id} ${checksum}\n`);
  return hash.digest("hex");
}

async function readSet(set: MigrationSet, directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => {
      const id = FILE_NAME.exec(name)?.[1];
      if (!id) throw new PlatformError("internal", "migration_name", `${set}/${name} is not named NNNN_name.sql`);
      return parseMigration(set, id, await readFile(join(directory, name), "utf8"));
    }),
  );
}

function parseMigration(set: MigrationSet, id: string, text: string): Migration {
  // A checkout may have changed the line ends; the migration is the same.
  const script = text.replaceAll("\r\n", "\n");
  const [firstLine = ""] = script.split("\n", 1);
  return {
    set,
    id,
    checksum: createHash("sha256").update(script).digest("hex"),
    breaking: /^--\s*breaking\b/.test(firstLine),
    statements: splitStatements(script).map((sql) => ({ sql, parameters: [] })),
  };
}

async function findPending(
  database: Database,
  sets: readonly MigrationSet[],
  known: readonly Migration[],
): Promise<Migration[]> {
  const recorded = await readRecorded(database, sets);
  for (const migration of recorded) check(migration, known);
  return known.filter((migration) => !recorded.some((other) => isSame(other, migration)));
}

function check(recorded: Applied, known: readonly Migration[]): void {
  const name = `${recorded.set}/${recorded.id}`;
  const file = known.find((migration) => isSame(migration, recorded));
  if (file && file.checksum !== recorded.checksum) {
    throw new PlatformError("invalid", "migration_changed", `Migration ${name} was edited after it had been applied`);
  }
  if (!file && recorded.breaking) {
    throw new PlatformError(
      "unavailable",
      "schema_too_new",
      `The database has migration ${name}, which needs newer code`,
    );
  }
}

async function readRecorded(database: Database, sets: readonly MigrationSet[]): Promise<Applied[]> {
  const sql = `select migration_set, id, checksum, breaking from schema_migrations
    where migration_set in (${sets.map(() => "?").join(", ")})`;
  try {
    const [result] = await database.batch([{ sql, parameters: sets }]);
    return (result?.rows ?? []).map(fromRow);
  } catch (error) {
    // A new database costs one failed question, every later one none.
    if (error instanceof PlatformError && error.message.includes("no such table: schema_migrations")) return [];
    throw error;
  }
}

function fromRow(row: Record<string, unknown>): Applied {
  return {
    // The statement asked for these sets only.
    set: String(row.migration_set) as MigrationSet,
    id: String(row.id),
    checksum: String(row.checksum),
    breaking: row.breaking === 1,
  };
}

function recordOf({ set, id, checksum, breaking }: Applied): Statement {
  return { sql: RECORD, parameters: [set, id, checksum, breaking] };
}

function publicPart({ set, id, checksum, breaking }: Applied): Applied {
  return { set, id, checksum, breaking };
}

function isSame(one: Applied, other: Applied): boolean {
  return one.set === other.set && one.id === other.id;
}
