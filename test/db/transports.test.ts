import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { CompiledQuery, Kysely, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClient } from "../../src/db/client.ts";
import type { Database } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";

let directory: string;
let sqld: Sqld | undefined;
let count = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "transports-"));
  if (!sqldMissing) sqld = await startSqld();
});

afterAll(async () => {
  await sqld?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const newPath = () => join(directory, `${++count}.db`);

const TRANSPORTS: Record<string, { excuse?: string | null; open: () => Promise<Database> }> = {
  "native file": { open: () => openFile(newPath(), { create: true }) },
  "file client": { open: async () => openClient({ url: `file:${newPath()}` }) },
  "ready-made file client": {
    open: async () => openClient(createClient({ url: `file:${newPath()}`, concurrency: 2, intMode: "bigint" })),
  },
  "libSQL server": {
    excuse: sqldMissing,
    async open() {
      const namespace = `ns-${++count}`;
      await sqld?.createNamespace(namespace);
      return openClient({ url: sqld?.url ?? "", fetch: sqld?.fetchFor(namespace) ?? fetch });
    },
  },
};

const SCHEMA = `
  create table parent (id integer primary key, name text not null unique, size integer check (size > 0));
  create table child (id integer primary key, parent_id integer not null references parent (id) deferrable initially deferred);
  create table kin (id integer primary key, parent_id integer not null references parent (id));
  insert into parent values (1, 'first', 1)`;

interface Tables {
  parent: { id: number; name: string; size: number | null };
}

const statement = (text: string, ...parameters: unknown[]) => ({ sql: text, parameters });

describe.each(Object.entries(TRANSPORTS))("%s", (_name, { excuse, open }) => {
  const test = it.skipIf(excuse);

  async function arrange() {
    const database = await open();
    await database.batch(SCHEMA.split(";\n").map((text) => statement(text)));
    return { database, db: new Kysely<Tables>({ dialect: database.dialect }) };
  }

  test.each<[text: string, parameters: unknown[], expected: object]>([
    [
      "insert into parent values (2, 'first', 1)",
      [],
      {
        code: "conflict",
        reason: "unique_violation",
        message: "name exists already (UNIQUE constraint failed: parent.name)",
      },
    ],
    [
      "insert into parent values (1, 'other', 1)",
      [],
      {
        code: "conflict",
        reason: "unique_violation",
        message: "id exists already (UNIQUE constraint failed: parent.id)",
      },
    ],
    ["insert into kin values (1, 99)", [], { code: "conflict", reason: "foreign_key_violation" }],
    ["insert into child values (1, 99)", [], { code: "conflict", reason: "foreign_key_violation" }],
    [
      "insert into parent values (2, null, 1)",
      [],
      { code: "invalid", reason: "constraint_violation", message: "NOT NULL constraint failed: parent.name" },
    ],
    ["insert into parent values (2, 'x', 0)", [], { code: "invalid", reason: "constraint_violation" }],
    [
      "insert into nowhere values (1)",
      [],
      { code: "internal", reason: "sql_error", message: expect.stringContaining("no such table: nowhere") },
    ],
    ["select nothing from parent", [], { code: "internal", reason: "sql_error" }],
    ["selec", [], { code: "internal", reason: "sql_error" }],
    ["select ?", [{}], { code: "internal", reason: "unsupported_parameter" }],
    ["select ?", [undefined], { code: "internal", reason: "unsupported_parameter" }],
    ["select ?", [Number.NaN], { code: "internal", reason: "unsupported_parameter" }],
    ["select ?", [2n ** 63n], { code: "internal", reason: "unsupported_parameter" }],
    ["select ?", ["a\0b"], { code: "invalid", reason: "nul_in_text" }],
    ["select 9007199254740993 as big", [], { code: "internal", reason: "integer_out_of_range" }],
  ])('translates what "%s" runs into, and works on: %#', async (text, parameters, expected) => {
    const { database, db } = await arrange();

    await expect(database.batch([statement(text, ...parameters)])).rejects.toMatchObject(expected);
    await expect(db.executeQuery(CompiledQuery.raw(text, [...parameters]))).rejects.toMatchObject(expected);

    await db.insertInto("parent").values({ id: 5, name: "later", size: null }).execute();
    expect(await db.selectFrom("parent").select("name").orderBy("id").execute()).toEqual([
      { name: "first" },
      { name: "later" },
    ]);
    await database.close();
  });

  test("stores and returns every kind of value alike", async () => {
    const database = await open();
    const values = [5, 2n ** 53n - 1n, 1.5, "ünï 🔑", new Uint8Array([1, 0, 255]), null, true];
    await database.batch([statement("create table v (a, b, c, d, e, f, g, t text)")]);

    const [inserted, read] = await database.batch([
      statement("insert into v values (?, ?, ?, ?, ?, ?, ?, ?)", ...values, 5),
      statement("select *, typeof(a) as kind from v"),
    ]);

    expect(inserted).toEqual({ rows: [], changes: 1 });
    expect(read?.rows).toEqual([
      {
        a: 5,
        b: 2 ** 53 - 1,
        c: 1.5,
        d: "ünï 🔑",
        e: new Uint8Array([1, 0, 255]),
        f: null,
        g: 1,
        t: "5",
        kind: "integer",
      },
    ]);
    expect(Object.getPrototypeOf(read?.rows[0])).toBe(Object.prototype);
    await database.close();
  });

  test("counts changes alike, with and without RETURNING", async () => {
    const { database, db } = await arrange();

    const results = await database.batch([
      statement("insert into parent values (2, 'b', 1), (3, 'c', 1) returning id"),
      statement("update parent set size = 2 where id > 1"),
      statement("insert into parent values (2, 'b', 1) on conflict do nothing"),
      statement("insert into parent values (2, 'b', 1) on conflict do nothing returning id"),
      statement("create table more (id integer)"),
      statement("select id from parent where id = 1"),
      statement("delete from parent where id = 3 returning name"),
    ]);
    const updated = await db.updateTable("parent").set({ size: 9 }).where("id", "=", 2).executeTakeFirstOrThrow();
    const deleted = await db.deleteFrom("parent").where("id", "=", 77).executeTakeFirstOrThrow();

    expect(results.map(({ changes }) => changes)).toEqual([2, 2, 0, 0, 0, 0, 1]);
    expect(results.at(-1)?.rows).toEqual([{ name: "c" }]);
    expect([updated.numUpdatedRows, deleted.numDeletedRows]).toEqual([1n, 0n]);
    await database.close();
  });

  test("runs a batch wholly or not at all", async () => {
    const { database, db } = await arrange();

    const failing = database.batch([
      statement("insert into parent values (2, 'b', 1)"),
      statement("insert into parent values (3, 'b', 1)"),
    ]);

    await expect(failing).rejects.toMatchObject({ reason: "unique_violation" });
    expect(await db.selectFrom("parent").select("id").execute()).toEqual([{ id: 1 }]);
    await database.close();
  });

  test("takes fifty concurrent transactions and leaves reads free beside an open one", async () => {
    const { database, db } = await arrange();
    const transaction = (n: number) =>
      db.transaction().execute(async (trx) => {
        const { last } = await trx.selectFrom("parent").select(trx.fn.max("id").as("last")).executeTakeFirstOrThrow();
        await trx
          .insertInto("parent")
          .values({ id: Number(last) + 1, name: `n${n}`, size: 1 })
          .execute();
        await db.selectFrom("parent").select("id").execute();
      });

    await Promise.all(Array.from({ length: 50 }, (_, n) => transaction(n)));

    expect(await db.selectFrom("parent").select("id").execute()).toHaveLength(51);
    await database.close();
  });

  test("shows the error of a transaction, not that of its rollback, and undoes it", async () => {
    const { database, db } = await arrange();

    const failing = db.transaction().execute(async (trx) => {
      await trx.insertInto("parent").values({ id: 2, name: "lost", size: 1 }).execute();
      await trx.insertInto("parent").values({ id: 2, name: "again", size: 1 }).execute();
    });
    const deferred = db.transaction().execute((trx) => sql`insert into child values (1, 99)`.execute(trx));

    // Both are listened to from now on: whichever fails first.
    await Promise.all([
      expect(failing).rejects.toMatchObject({ reason: "unique_violation" }),
      expect(deferred).rejects.toMatchObject({ reason: "foreign_key_violation" }),
    ]);
    await db
      .transaction()
      .execute((trx) => trx.insertInto("parent").values({ id: 3, name: "fine", size: 1 }).execute());
    expect(await db.selectFrom("parent").select("id").orderBy("id").execute()).toEqual([{ id: 1 }, { id: 3 }]);
    await database.close();
  });

  test("knows savepoints", async () => {
    const { database, db } = await arrange();
    const trx = await db.startTransaction().execute();
    const inner = await trx.savepoint("inner").execute();
    await inner.insertInto("parent").values({ id: 2, name: "undone", size: 1 }).execute();
    await inner.rollbackToSavepoint("inner").execute();
    await trx.insertInto("parent").values({ id: 3, name: "kept", size: 1 }).execute();
    await trx.commit().execute();

    expect(await db.selectFrom("parent").select("id").orderBy("id").execute()).toEqual([{ id: 1 }, { id: 3 }]);
    await database.close();
  });

  test("migrates once, also when several start at the same time", async () => {
    const { database } = await arrange();

    const applied = await Promise.all(
      [1, 2, 3].map(() => migrate(database, ["tenant"], join(import.meta.dirname, "migrations"))),
    );

    expect(
      applied
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["0001_note", "0002_trail"]);
    await database.close();
  });

  test("refuses everything after it was closed", async () => {
    const { database, db } = await arrange();

    await Promise.all([database.close(), database.close()]);

    await expect(database.batch([statement("select 1")])).rejects.toMatchObject({
      code: "unavailable",
      reason: "database_closed",
    });
    await expect(db.selectFrom("parent").selectAll().execute()).rejects.toMatchObject({ reason: "database_closed" });
    await expect(db.startTransaction().execute()).rejects.toMatchObject({ reason: "database_closed" });
  });
});
