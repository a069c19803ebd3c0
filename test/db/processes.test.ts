import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Database } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";
import { runWorker, ticksDuring } from "./support.ts";

interface Tables {
  note: { body: string };
}

const WRITES = 300;

let directory: string;
let path: string;
let database: Database;
let db: Kysely<Tables>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "processes-"));
  path = join(directory, "shared.db");
  database = await openFile(path, { create: true });
  db = new Kysely<Tables>({ dialect: database.dialect });
  await sql`create table note (body text not null unique)`.execute(db);
});

afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

it("loses no write when two processes hammer one file, and blocks neither event loop", async () => {
  const worker = runWorker("write", path, String(WRITES));
  const mine: string[] = [];
  let childDone = false;
  const settled = worker.finally(() => {
    childDone = true;
  });

  const ticks = await ticksDuring(async () => {
    for (let n = 0; !childDone || n < WRITES; n++) {
      await db
        .insertInto("note")
        .values({ body: `parent-${n}` })
        .execute();
      mine.push(`parent-${n}`);
      expect(await db.selectFrom("note").select("body").where("body", "=", `parent-${n}`).execute()).toHaveLength(1);
    }
  });

  const child = await settled;
  const found = new Set((await db.selectFrom("note").select("body").execute()).map(({ body }) => body));
  expect([...mine, ...child.result].filter((body) => !found.has(String(body)))).toEqual([]);
  expect(found.size).toBe(mine.length + child.result.length);
  expect(ticks).toBeGreaterThan(10);
  expect(child.ticks).toBeGreaterThan(10);
});

it("waits for another holder of the lock without blocking, then writes", async () => {
  const other = await openFile(path);
  const holder = await new Kysely<Tables>({ dialect: other.dialect }).startTransaction().execute();
  await holder.insertInto("note").values({ body: "held" }).execute();
  let written = false;

  const writing = db
    .insertInto("note")
    .values({ body: "waited" })
    .execute()
    .then(() => {
      written = true;
    });
  const ticks = await ticksDuring(() => new Promise((resolve) => setTimeout(resolve, 50)));

  expect(written).toBe(false);
  expect(ticks).toBeGreaterThan(5);
  await holder.commit().execute();
  await writing;
  expect(await db.selectFrom("note").select("body").execute()).toEqual([{ body: "held" }, { body: "waited" }]);
  await other.close();
});

it("gives up on a lock that is never released, and works again once it is", async () => {
  const other = await openFile(path);
  const holder = await new Kysely<Tables>({ dialect: other.dialect }).startTransaction().execute();

  const refused = db.insertInto("note").values({ body: "refused" }).execute();
  await expect(refused).rejects.toMatchObject({ code: "unavailable", reason: "database_busy" });
  await holder.rollback().execute();

  await db.insertInto("note").values({ body: "later" }).execute();
  await other.batch([{ sql: "insert into note values ('elsewhere')", parameters: [] }]);
  expect(await db.selectFrom("note").select("body").execute()).toEqual([{ body: "later" }, { body: "elsewhere" }]);
  await other.close();
});
