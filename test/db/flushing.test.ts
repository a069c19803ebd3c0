import { mkdtempSync, rmSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Database } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";

let directory: string;
let path: string;
let database: Database;
let db: Kysely<{ note: { body: string } }>;

/** Each sync waits here until it is let go, when `isHeld`; else it is the real one. */
let isHeld: boolean;
let held: { readonly handle: FileHandle; go(failure?: Error): void }[];
let inodes: number[];

const datasync = async (handle: FileHandle) => {
  inodes.push((await handle.stat()).ino);
  if (!isHeld) return await handle.datasync();
  await new Promise<void>((resolve, reject) => {
    held.push({ handle, go: (failure) => (failure ? reject(failure) : resolve()) });
  });
};

beforeEach(async () => {
  isHeld = false;
  held = [];
  inodes = [];
  directory = mkdtempSync(join(tmpdir(), "flushing-"));
  path = join(directory, "one.db");
  database = await openFile(path, { create: true, datasync });
  db = new Kysely({ dialect: database.dialect });
  await sql`create table note (body text not null unique)`.execute(db);
});

afterEach(async () => {
  for (const { go } of held) go();
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

const insert = (body: string) => db.insertInto("note").values({ body });
const bodies = async () =>
  (await db.selectFrom("note").select("body").orderBy("body").execute()).map((row) => row.body);
const syncs = (count: number) => vi.waitFor(() => expect(held).toHaveLength(count), { timeout: 60_000, interval: 5 });

/** What has settled so far, each by its name. */
function watching(work: Readonly<Record<string, Promise<unknown>>>) {
  const settled: string[] = [];
  for (const [name, promise] of Object.entries(work)) {
    const note = (how: string) => () => settled.push(`${name} ${how}`);
    promise.then(note("done"), note("failed"));
  }
  return settled;
}

describe("a write to a file", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["a statement", () => insert("a").execute()],
    ["a batch", () => database.batch([{ sql: "insert into note values ('a')", parameters: [] }])],
    ["a transaction", () => db.transaction().execute((trx) => trx.insertInto("note").values({ body: "a" }).execute())],
    ["what runs outside of any transaction", () => sql`vacuum`.execute(db)],
  ])("is answered when the disk has it: %s", async (_name, write) => {
    isHeld = true;
    const settled = watching({ write: write() });

    await syncs(1);
    expect(await bodies()).toBeInstanceOf(Array);
    expect(settled).toEqual([]);

    held[0]?.go();
    await vi.waitFor(() => expect(settled).toEqual(["write done"]));
  });

  it("keeps nobody else waiting: others read and commit, and all who come meanwhile share the next sync", async () => {
    isHeld = true;
    const first = insert("0").execute();
    await syncs(1);
    const later = Array.from({ length: 20 }, (_, n) => insert(`${n + 1}`).execute());
    const settled = watching({ first, ...Object.fromEntries(later.map((write, n) => [n, write])) });

    await vi.waitFor(async () => expect(await bodies()).toHaveLength(21));
    expect(settled).toEqual([]);
    expect(held).toHaveLength(1);

    held[0]?.go();
    await first;
    await syncs(2);
    expect(settled).toEqual(["first done"]);
    held[1]?.go();
    await Promise.all(later);
    expect(held).toHaveLength(2);
  });

  it("that the disk fails is unavailable, because nobody knows, and nothing more is written until the file is opened anew", async () => {
    isHeld = true;
    const write = insert("a").execute();
    await syncs(1);
    const next = insert("b").execute();
    const unavailable = { code: "unavailable", reason: "database_unreadable" };
    const refused = Promise.all([
      expect(write).rejects.toMatchObject(unavailable),
      expect(next).rejects.toMatchObject(unavailable),
    ]);
    await vi.waitFor(async () => expect(await bodies()).toEqual(["a", "b"]));
    held[0]?.go(new Error("EIO: i/o error, fdatasync"));
    // A later sync that succeeds says nothing about what an earlier one lost.
    await syncs(2);
    held[1]?.go();
    await refused;

    await expect(insert("c").execute()).rejects.toMatchObject(unavailable);
    await expect(db.transaction().execute(() => Promise.resolve())).rejects.toMatchObject(unavailable);
    expect(await bodies()).toEqual(["a", "b"]);

    isHeld = false;
    await database.close();
    database = await openFile(path, { datasync });
    db = new Kysely({ dialect: database.dialect });
    await insert("c").execute();
    expect(await bodies()).toEqual(["a", "b", "c"]);
  });

  it("waits for the log that is in use", async () => {
    await insert("a").execute();
    expect(new Set(inodes)).toEqual(new Set([statSync(`${path}-wal`).ino]));

    await database.close();
    inodes = [];
    database = await openFile(path, { datasync });
    db = new Kysely({ dialect: database.dialect });
    await insert("b").execute();

    expect(inodes).toEqual([statSync(`${path}-wal`).ino]);
  });
});

describe("closing a file", () => {
  it("lets whoever waits for the disk be answered, and closes the log then, too", async () => {
    isHeld = true;
    const write = insert("a").execute();
    await syncs(1);

    const settled = watching({ write, closing: database.close() });
    await expect(insert("b").execute()).rejects.toMatchObject({ reason: "database_closed" });
    expect(settled).toEqual([]);

    held[0]?.go();
    await database.close();
    expect(settled).toEqual(["write done", "closing done"]);
    expect(held[0]?.handle.fd).toBe(-1);
    database = await openFile(path);
    db = new Kysely({ dialect: database.dialect });
    expect(await bodies()).toEqual(["a"]);
  });
});
