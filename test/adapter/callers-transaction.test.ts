import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kysely, SqliteDialect, sql, type Transaction } from "kysely";
import Libsql from "libsql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAdapters, migrateToLatest } from "../../src/adapter.ts";
import { openFile } from "../../src/db/native.ts";

interface Tables {
  invoice: { number: number };
}

let directory: string;
let made = 0;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "callers-transaction-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const newPath = () => join(directory, `${++made}.db`);

const DIALECTS = {
  "our dialect": async () => (await openFile(newPath(), { create: true })).dialect,
  // The native driver has the methods of better-sqlite3 that Kysely's dialect calls; it does not share its types.
  "Kysely's own": () => Promise.resolve(new SqliteDialect({ database: new Libsql(newPath()) as never })),
};

/** Two statements of one batch: the token, and its login session's new end. */
const refreshToken = (login_id: string) => ({
  ...{ id: "token", login_id, client_id: "web", user_id: "auth2|ann", rotating: false, resource_servers: [] },
  device: {} as never,
  expires_at: "2030-01-02T00:00:00.000Z",
});
const login = { csrf_token: "c", authParams: { client_id: "web" }, expires_at: "2030-01-01T00:00:00.000Z" };

describe.each(Object.entries(DIALECTS))("a caller's own transaction, on %s", (_name, dialect) => {
  async function arrange() {
    const db = new Kysely<Tables>({ dialect: await dialect() });
    await migrateToLatest(db);
    await sql`create table invoice (number integer primary key)`.execute(db);
    return { db, outside: createAdapters(db) };
  }

  const work = async (trx: Transaction<Tables>) => {
    const inside = createAdapters(trx);
    const { id } = await inside.loginSessions.create("t", login);
    await inside.refreshTokens.create("t", refreshToken(id));
    await inside.transaction(({ roles }) => roles.create("t", { name: "porter" }));
    await trx.insertInto("invoice").values({ number: 1 }).execute();
    return id;
  };

  it("keeps what the adapters wrote together with what the caller wrote", async () => {
    const { db, outside } = await arrange();

    const id = await db.transaction().execute(work);

    expect(await outside.loginSessions.get("t", id)).toMatchObject({ expires_at: "2030-01-02T00:00:00.000Z" });
    expect(await outside.refreshTokens.get("t", "token")).not.toBeNull();
    expect((await outside.roles.list("t")).roles).toMatchObject([{ name: "porter" }]);
    expect(await db.selectFrom("invoice").selectAll().execute()).toEqual([{ number: 1 }]);
  });

  it("undoes both when it fails, batches and inner transactions included", async () => {
    const { db, outside } = await arrange();

    const failing = db.transaction().execute(async (trx) => {
      await work(trx);
      await createAdapters(trx).roles.create("t", { name: "porter" });
    });

    await expect(failing).rejects.toMatchObject({ code: "conflict", status: 409 });
    expect((await outside.roles.list("t")).roles).toEqual([]);
    expect(await outside.refreshTokens.get("t", "token")).toBeNull();
    expect(await db.selectFrom("invoice").selectAll().execute()).toEqual([]);
  });

  it("leaves its instance open and usable afterwards", async () => {
    const { db, outside } = await arrange();
    await db.transaction().execute(work);

    await Promise.all(["one", "two"].map((name) => outside.roles.create("t", { name })));

    expect((await outside.roles.list("t", { include_totals: true })).length).toBe(3);
  });
});
