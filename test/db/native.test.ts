import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Generated, Kysely, sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";
import { ticksDuring } from "./support.ts";

interface Tables {
  note: { id: Generated<number>; body: string };
}

let directory: string;
let path: string;
let database: Database;
let db: Kysely<Tables>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "native-"));
  path = join(directory, "one.db");
  database = await openFile(path, { create: true });
  db = new Kysely<Tables>({ dialect: database.dialect });
  await sql`create table note (id integer primary key, body text not null unique)`.execute(db);
});

afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

const insert = (body: string) => db.insertInto("note").values({ body });
const bodies = async () => (await db.selectFrom("note").select("body").orderBy("id").execute()).map(({ body }) => body);
const statement = (text: string, ...parameters: unknown[]) => ({ sql: text, parameters });

describe("explaining a statement", () => {
  it.each([
    ["alone", (explain: string) => database.batch([statement(explain, "a")])],
    ["in a transaction", (explain: string) => db.transaction().execute((trx) => sql.raw(explain).execute(trx))],
    ["through Kysely", (explain: string) => sql.raw(explain).execute(db)],
  ])("%s leaves no snapshot behind: reads see what is written afterwards", async (_name, run) => {
    await run("explain query plan select * from note where body = ?");
    await bodies();

    await insert("later").execute();

    expect(await bodies()).toEqual(["later"]);
    expect((await database.batch([statement("select body from note")]))[0]?.rows).toEqual([{ body: "later" }]);
  });
});

describe("writing to a file", () => {
  it("lets fifty concurrent transactions all succeed", async () => {
    const transaction = (n: number) =>
      db.transaction().execute(async (trx) => {
        const { total } = await trx
          .selectFrom("note")
          .select(trx.fn.countAll<number>().as("total"))
          .executeTakeFirstOrThrow();
        await trx
          .insertInto("note")
          .values({ id: total + 1, body: `n${n}` })
          .execute();
      });

    await Promise.all(Array.from({ length: 50 }, (_, n) => transaction(n)));

    expect(await bodies()).toHaveLength(50);
  });

  it("lets timers tick while many writes wait for each other", async () => {
    const ticks = await ticksDuring(() =>
      Promise.all(Array.from({ length: 500 }, (_, n) => insert(`n${n}`).execute())),
    );

    expect(ticks).toBeGreaterThan(10);
    expect(await bodies()).toHaveLength(500);
  });

  it("lets timers tick during one long transaction and during a long loop of reads", async () => {
    const long = () =>
      db.transaction().execute(async (trx) => {
        for (let n = 0; n < 2000; n++)
          await trx
            .insertInto("note")
            .values({ id: n, body: `${n}` })
            .execute();
      });
    const loop = async () => {
      for (let n = 0; n < 2000; n++) await bodies();
    };

    expect(await ticksDuring(long)).toBeGreaterThan(10);
    expect(await ticksDuring(loop)).toBeGreaterThan(10);
  });

  it("runs reads beside an open transaction, which do not see it", async () => {
    await db.transaction().execute(async (trx) => {
      await trx.insertInto("note").values({ id: 1, body: "inside" }).execute();

      expect(await bodies()).toEqual([]);
    });

    expect(await bodies()).toEqual(["inside"]);
  });

  it("lets short writes wait for an open transaction, and reads never", async () => {
    const trx = await db.startTransaction().execute();
    await trx.insertInto("note").values({ id: 1, body: "inside" }).execute();
    const waiting = insert("behind").execute();

    expect(await bodies()).toEqual([]);
    await trx.commit().execute();
    await waiting;

    expect(await bodies()).toEqual(["inside", "behind"]);
  });

  it("has no read that writes", async () => {
    const writing = db
      .with("made", (cte) => cte.insertInto("note").values({ body: "made" }).returningAll())
      .selectFrom("made")
      .selectAll();

    await expect(writing.execute()).rejects.toMatchObject({ reason: "sql_error" });
    expect(await bodies()).toEqual([]);
  });

  it("rolls a failed transaction back and shows its own error", async () => {
    const failing = db.transaction().execute(async (trx) => {
      await trx.insertInto("note").values({ id: 1, body: "lost" }).execute();
      throw new Error("changed my mind");
    });

    await expect(failing).rejects.toThrow("changed my mind");
    expect(await bodies()).toEqual([]);
  });

  it("goes on after an error inside a transaction that the caller handles", async () => {
    await db.transaction().execute(async (trx) => {
      await trx.insertInto("note").values({ id: 1, body: "kept" }).execute();
      await expect(trx.insertInto("note").values({ id: 2, body: "kept" }).execute()).rejects.toMatchObject({
        code: "conflict",
      });
      await trx.insertInto("note").values({ id: 3, body: "too" }).execute();
    });

    expect(await bodies()).toEqual(["kept", "too"]);
  });

  it("never lets a statement escape from a transaction that SQLite has ended", async () => {
    await sql`create trigger stop before insert on note when new.body = 'stop' begin select raise(rollback, 'stopped'); end`.execute(
      db,
    );

    const escaping = db.transaction().execute(async (trx) => {
      await trx
        .insertInto("note")
        .values({ id: 1, body: "stop" })
        .execute()
        .catch(() => {});
      await trx.insertInto("note").values({ id: 2, body: "escaped" }).execute();
    });

    await expect(escaping).rejects.toMatchObject({ code: "unavailable", reason: "transaction_lost" });
    expect(await bodies()).toEqual([]);
  });

  it("keeps what a savepoint does not undo", async () => {
    const trx = await db.startTransaction().execute();
    await trx.insertInto("note").values({ id: 1, body: "kept" }).execute();
    const inner = await trx.savepoint("inner").execute();
    await inner.insertInto("note").values({ id: 2, body: "undone" }).execute();
    await inner.rollbackToSavepoint("inner").execute();
    await trx.commit().execute();

    expect(await bodies()).toEqual(["kept"]);
  });

  it("refuses a read-only transaction instead of pretending", async () => {
    const readOnly = db.transaction().setAccessMode("read only").execute(bodies);

    await expect(readOnly).rejects.toMatchObject({ reason: "read_only_transaction" });
  });

  it("makes an empty file with restricted access, in WAL mode, whose commits leave the way to the disk to us", async () => {
    const settings = await database.batch([
      statement("select * from pragma_journal_mode"),
      statement("select * from pragma_synchronous"),
    ]);

    expect(settings.map(({ rows }) => rows)).toEqual([[{ journal_mode: "wal" }], [{ synchronous: 1 }]]);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it("vacuums into another file, which no transaction could do", async () => {
    await insert("kept").execute();

    await sql`vacuum into ${join(directory, "copy.db")}`.execute(db);

    const copy = await openFile(join(directory, "copy.db"));
    expect((await copy.batch([statement("select body from note")]))[0]?.rows).toEqual([{ body: "kept" }]);
    await copy.close();
  });
});

describe("a batch on a file", () => {
  it("runs all or nothing", async () => {
    const failing = database.batch([
      statement("insert into note values (1, 'a')"),
      statement("insert into note values (2, 'a')"),
    ]);

    await expect(failing).rejects.toMatchObject({ code: "conflict", reason: "unique_violation" });
    expect(await bodies()).toEqual([]);
  });

  it("never lets a statement escape when SQLite has ended its transaction, and goes on afterwards", async () => {
    await sql`create trigger stop before insert on note when new.body = 'stop' begin select raise(rollback, 'stopped'); end`.execute(
      db,
    );

    for (const last of ["stop", "after"]) {
      const escaping = database.batch([
        statement("insert into note values (1, 'first')"),
        statement("insert or ignore into note values (2, ?)", last),
        statement("insert into note values (3, 'escaped')"),
        statement("insert into nowhere values (1)"),
      ]);
      await expect(escaping).rejects.toThrow();
      expect(await bodies()).toEqual([]);
    }

    await insert("later").execute();
    expect(await bodies()).toEqual(["later"]);
  });

  it("of so many writes that others get their turn in between is one transaction all the same", async () => {
    const many = Array.from({ length: 500 }, (_, n) => statement("insert into note values (?, ?)", n, `${n}`));
    const seen: number[] = [];

    const ticks = await ticksDuring(async () => {
      const writing = database.batch(many);
      seen.push((await bodies()).length);
      await writing;
    });

    expect(ticks).toBeGreaterThan(2);
    expect(seen).toEqual([0]);
    expect(await bodies()).toHaveLength(500);
  });

  it("reports rows and changes of every statement, and nothing for an empty one", async () => {
    const results = await database.batch([
      statement("insert into note values (?, ?), (?, ?)", 1, "a", 2, "b"),
      statement("update note set body = body || '!' returning body"),
      statement("select count(*) as total from note"),
      statement("delete from note"),
    ]);

    expect(results).toEqual([
      { rows: [], changes: 2 },
      { rows: [{ body: "a!" }, { body: "b!" }], changes: 2 },
      { rows: [{ total: 2 }], changes: 0 },
      { rows: [], changes: 2 },
    ]);
    expect(await database.batch([])).toEqual([]);
  });
});

describe("kept statements", () => {
  it("see the columns another connection has added or removed", async () => {
    await insert("one").execute();
    const read = () => db.selectFrom("note").selectAll().execute();
    expect(await read()).toEqual([{ id: 1, body: "one" }]);
    const other = await openFile(path);

    await other.batch([statement("alter table note add column extra text default 'x'")]);

    expect(await read()).toEqual([{ id: 1, body: "one", extra: "x" }]);
    await insert("two").execute();
    await other.batch([statement("alter table note drop column extra")]);
    expect(await read()).toEqual([
      { id: 1, body: "one" },
      { id: 2, body: "two" },
    ]);
    await other.close();
  });

  it("work again after they have failed, and more of them than are kept do too", async () => {
    await insert("one").execute();
    await expect(insert("one").execute()).rejects.toMatchObject({ reason: "unique_violation" });
    await insert("two").execute();
    for (let n = 0; n < 300; n++) await database.batch([statement(`select ${n}`)]);

    expect(await bodies()).toEqual(["one", "two"]);
  });

  it("read pages of exactly the driver's buffer to the end, leaving no snapshot behind", async () => {
    await database.batch(Array.from({ length: 100 }, (_, n) => statement("insert into note values (?, ?)", n, `${n}`)));
    expect(await bodies()).toHaveLength(100);

    await insert("after").execute();

    expect(await bodies()).toHaveLength(101);
  });
});

describe("opening and closing a file", () => {
  it("refuses a missing file unless told to make one", async () => {
    await expect(openFile(join(directory, "absent.db"))).rejects.toMatchObject({
      code: "not_found",
      reason: "database_missing",
    });
  });

  it("lets many make the same file at once", async () => {
    const fresh = join(directory, "fresh.db");

    const opened = await Promise.all(Array.from({ length: 8 }, () => openFile(fresh, { create: true })));
    await Promise.all(opened.map((one, n) => one.batch([statement(`create table t${n} (id integer)`)])));

    expect((await opened[0]?.batch([statement("select name from sqlite_master")]))?.[0]?.rows).toHaveLength(8);
    await Promise.all(opened.map((one) => one.close()));
  });

  it("reports what is no database as unreadable", async () => {
    const bad = join(directory, "bad.db");
    writeFileSync(bad, "this is not a database ".repeat(500));

    await expect(openFile(bad)).rejects.toMatchObject({ code: "unavailable", reason: "database_unreadable" });
    await expect(openFile(join(directory, "no", "such", "directory.db"), { create: true })).rejects.toMatchObject({
      reason: "database_unreadable",
    });
    await expect(openFile(directory)).rejects.toMatchObject({ code: "unavailable", reason: "database_unreadable" });
  });

  it("leaves everything in the main file when it closes", async () => {
    await insert("kept").execute();

    await database.close();

    expect(readFileSync(path).includes("kept")).toBe(true);
  });

  it("lets the open transaction finish, refuses those who wait, and every call after that", async () => {
    const trx = await db.startTransaction().execute();
    await trx.insertInto("note").values({ id: 1, body: "finished" }).execute();
    const waiting = insert("waiting").execute();
    const refused = expect(waiting).rejects.toMatchObject({ reason: "database_closed" });
    await new Promise(setImmediate);

    const closing = Promise.all([database.close(), database.close()]);
    await trx.commit().execute();

    await Promise.all([refused, closing]);
    await expect(bodies()).rejects.toMatchObject({ code: "unavailable", reason: "database_closed" });
    await expect(database.batch([])).rejects.toMatchObject({ reason: "database_closed" });
    const again = await openFile(path);
    expect((await again.batch([statement("select body from note")]))[0]?.rows).toEqual([{ body: "finished" }]);
    await again.close();
  });
});
