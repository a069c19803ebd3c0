import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Database } from "../../src/db/database.ts";
import {
  type MigrationSet,
  migrate,
  migrationHash,
  migrationsDirectory,
  pendingMigrations,
} from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { runWorker } from "./support.ts";

let directory: string;
let migrations: string;
let path: string;
let database: Database;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "migrate-"));
  migrations = join(directory, "migrations");
  for (const set of ["tenant", "shared", "control-plane"]) mkdirSync(join(migrations, set), { recursive: true });
  path = join(directory, "one.db");
  database = await openFile(path, { create: true });
  write(
    "tenant",
    "0001_note",
    "-- Notes.\ncreate table note (id integer primary key, body text);\ncreate index note_body on note (body);",
  );
  write(
    "tenant",
    "0002_trail",
    "-- Every note leaves a trail.\ncreate table trail (id integer);\ncreate trigger leave after insert on note begin insert into trail values (new.id); insert into trail values (-1); end;",
  );
  write("shared", "0001_tenants", "-- Tenants.\ncreate table tenants (id text primary key);");
});

afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

const write = (set: MigrationSet, id: string, text: string) => writeFileSync(join(migrations, set, `${id}.sql`), text);
const names = (applied: readonly { set: string; id: string }[]) => applied.map(({ set, id }) => `${set}/${id}`);
const rows = async (sql: string) => (await database.batch([{ sql, parameters: [] }]))[0]?.rows;

it("applies every migration of the sets in order, once", async () => {
  expect(names(await pendingMigrations(database, ["tenant", "shared"], migrations))).toHaveLength(3);

  const applied = await migrate(database, ["tenant", "shared"], migrations);

  expect(names(applied)).toEqual(["tenant/0001_note", "tenant/0002_trail", "shared/0001_tenants"]);
  await database.batch([{ sql: "insert into note (id) values (7)", parameters: [] }]);
  expect(await rows("select id from trail")).toEqual([{ id: 7 }, { id: -1 }]);
  expect(await migrate(database, ["tenant", "shared"], migrations)).toEqual([]);
  expect(await pendingMigrations(database, ["tenant"], migrations)).toEqual([]);
});

it("leaves nothing of a migration that fails, and keeps those before it", async () => {
  write(
    "tenant",
    "0003_wrong",
    "-- Half of it works.\ncreate table half (id integer);\ninsert into nowhere values (1);",
  );

  await expect(migrate(database, ["tenant"], migrations)).rejects.toMatchObject({
    code: "internal",
    reason: "sql_error",
  });

  expect(await rows("select name from sqlite_master where name in ('note', 'half')")).toEqual([{ name: "note" }]);
  expect(names(await pendingMigrations(database, ["tenant"], migrations))).toEqual(["tenant/0003_wrong"]);
});

it("shows a migration's own unique violation instead of taking it for a race", async () => {
  write("tenant", "0003_twice", "-- The same key twice.\ninsert into note (id) values (1), (1);");

  await expect(migrate(database, ["tenant"], migrations)).rejects.toMatchObject({ reason: "unique_violation" });
});

it("lets processes and connections that start together apply each migration once", async () => {
  const other = await openFile(path);
  const results = await Promise.all([
    migrate(database, ["tenant"], migrations),
    migrate(other, ["tenant"], migrations),
    runWorker("migrate", path, migrations).then(({ result }) => result),
    runWorker("migrate", path, migrations).then(({ result }) => result),
  ]);

  expect(results.flat()).toHaveLength(2);
  expect(await rows("select count(*) as total from schema_migrations")).toEqual([{ total: 2 }]);
  await other.close();
});

it("refuses a database whose migration was edited afterwards, but not for other line ends", async () => {
  await migrate(database, ["tenant"], migrations);

  write(
    "tenant",
    "0001_note",
    "-- Notes.\r\ncreate table note (id integer primary key, body text);\r\ncreate index note_body on note (body);",
  );
  expect(await migrate(database, ["tenant"], migrations)).toEqual([]);

  write("tenant", "0001_note", "-- Edited.\ncreate table note (id integer primary key);");
  await expect(migrate(database, ["tenant"], migrations)).rejects.toMatchObject({
    code: "invalid",
    reason: "migration_changed",
  });
});

it("works with a newer database, unless a migration it does not know is breaking", async () => {
  write("tenant", "0003_more", "-- More.\nalter table note add column more text;");
  await migrate(database, ["tenant"], migrations);
  rmSync(join(migrations, "tenant", "0003_more.sql"));
  expect(await pendingMigrations(database, ["tenant"], migrations)).toEqual([]);

  write(
    "tenant",
    "0004_less",
    "-- breaking: nobody reads bodies any more.\ndrop index note_body;\nalter table note drop column body;",
  );
  await migrate(database, ["tenant"], migrations);
  rmSync(join(migrations, "tenant", "0004_less.sql"));

  await expect(pendingMigrations(database, ["tenant"], migrations)).rejects.toMatchObject({
    code: "unavailable",
    reason: "schema_too_new",
  });
  await expect(migrate(database, ["tenant"], migrations)).rejects.toMatchObject({ reason: "schema_too_new" });
});

it("gives equal sets an equal hash, and any change another one", async () => {
  const before = await migrationHash(["tenant", "shared"], migrations);
  expect(await migrationHash(["tenant", "shared"], migrations)).toBe(before);

  write("tenant", "0003_more", "-- More.\nalter table note add column more text;");

  expect(await migrationHash(["tenant", "shared"], migrations)).not.toBe(before);
  expect(await migrationHash(["tenant"], migrations)).not.toBe(await migrationHash(["shared"], migrations));
});

it("refuses a file that is not named like a migration", async () => {
  writeFileSync(join(migrations, "tenant", "draft.sql"), "");

  await expect(migrate(database, ["tenant"], migrations)).rejects.toMatchObject({ reason: "migration_name" });
});

it("finds the migrations of this project", () => {
  expect(existsSync(join(migrationsDirectory(), "tenant"))).toBe(true);
});
