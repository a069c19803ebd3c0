import { Kysely } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database, Statement } from "../../src/db/database.ts";
import { inRounds } from "../../src/db/rounds.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

interface Note {
  id: number;
  body: string;
}

let fresh: FreshStore;
let together: Database;
let db: Kysely<{ note: Note }>;
/** How many statements each call carried that reached the database as a batch. */
let batches: number[];

beforeEach(async () => {
  fresh = await freshStore();
  await fresh.database.batch([statement("create table note (id integer primary key, body text not null) strict")]);
  batches = [];
  together = inRounds({
    dialect: fresh.database.dialect,
    batch(statements) {
      batches.push(statements.length);
      return fresh.database.batch(statements);
    },
    close: () => fresh.database.close(),
  });
  db = new Kysely({ dialect: together.dialect });
});

afterEach(() => fresh.close());

const statement = (sql: string, ...parameters: unknown[]): Statement => ({ sql, parameters });
const insert = (id: number, body = "note") => db.insertInto("note").values({ id, body });
const bodyOf = (id: number) => db.selectFrom("note").select("body").where("id", "=", id).executeTakeFirst();
const ids = async () => (await db.selectFrom("note").select("id").orderBy("id").execute()).map(({ id }) => id);

describe("what is asked at once", () => {
  it("travels as one batch of reads and one of writes, and everybody gets their own answer", async () => {
    const written = await Promise.all([insert(1, "one").execute(), insert(2, "two").execute()]);
    const read = await Promise.all([bodyOf(2), bodyOf(1), bodyOf(3), ids()]);

    expect(written.map(([result]) => result?.numInsertedOrUpdatedRows)).toEqual([1n, 1n]);
    expect(read).toEqual([{ body: "two" }, { body: "one" }, undefined, [1, 2]]);
    expect(batches).toEqual([2, 4]);
  });

  it("is not delayed by what comes alone", async () => {
    await insert(1, "one").execute();

    expect(await bodyOf(1)).toEqual({ body: "one" });
    expect(batches).toEqual([]);
  });

  it("is divided where it would become too long", async () => {
    await Promise.all(Array.from({ length: 40 }, (_, id) => insert(id).execute()));

    expect(await ids()).toHaveLength(40);
    expect(batches).toEqual([32, 8]);
  });
});

describe("a failure in a round", () => {
  it("is heard by the one it belongs to; the others succeed", async () => {
    await insert(1).execute();

    const settled = await Promise.allSettled([insert(1).execute(), insert(2).execute(), insert(3).execute()]);

    expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(settled[0]).toMatchObject({ reason: { code: "conflict", reason: "unique_violation" } });
    expect(await ids()).toEqual([1, 2, 3]);
  });

  it("leaves nothing of the batch it belongs to, and all of the others", async () => {
    const unit = (...numbers: number[]) =>
      together.batch(numbers.map((id) => statement("insert into note (id, body) values (?, ?)", id, "note")));

    const settled = await Promise.allSettled([unit(1, 2), unit(3, 3), unit(4, 5)]);

    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await ids()).toEqual([1, 2, 4, 5]);
  });

  it("of a read does not reach the reads beside it", async () => {
    await insert(1, "one").execute();

    const wrong = together.batch([statement("select nothing from note")]);
    const settled = await Promise.allSettled([bodyOf(1), wrong]);

    expect(settled).toMatchObject([
      { status: "fulfilled", value: { body: "one" } },
      { status: "rejected", reason: { code: "internal", reason: "sql_error" } },
    ]);
  });
});

describe("a transaction", () => {
  it("keeps to itself: what is asked beside it is not part of it", async () => {
    const rolledBack = db.transaction().execute(async (inside) => {
      await inside.insertInto("note").values({ id: 1, body: "inside" }).execute();
      expect(await bodyOf(1)).toBeUndefined();
      throw new Error("on purpose");
    });

    await expect(rolledBack).rejects.toThrow("on purpose");
    expect(await ids()).toEqual([]);
  });
});
