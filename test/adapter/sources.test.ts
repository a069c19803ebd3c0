import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { Kysely, SqliteDialect } from "kysely";
import Libsql from "libsql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAdapters, createKeyRing, migrateToLatest, type Source } from "../../src/adapter.ts";
import { openFile } from "../../src/db/native.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";

let directory: string;
let sqld: Sqld | undefined;
let made = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sources-"));
  if (!sqldMissing) sqld = await startSqld();
});
afterAll(async () => {
  await sqld?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function newName(): string {
  made += 1;
  return `source-${made}`;
}

const newPath = () => join(directory, `${newName()}.db`);

const libsqlKysely = (path: string) =>
  // The native driver has the methods of better-sqlite3 that Kysely's own dialect calls.
  new Kysely<object>({ dialect: new SqliteDialect({ database: new Libsql(path) as never }) });

/** Every kind of source, each over an empty database. */
const SOURCES: Readonly<Record<string, () => Source | Promise<Source>>> = {
  "a file: client": () => createClient({ url: `file:${newPath()}` }),
  "options of a file: client": () => ({ url: `file:${newPath()}` }),
  "a Kysely instance on our dialect": async () =>
    new Kysely<object>({ dialect: (await openFile(newPath(), { create: true })).dialect }),
  "a Kysely instance on Kysely's own SQLite dialect": () => libsqlKysely(newPath()),
  ...(sqldMissing
    ? {}
    : {
        "a client of a libSQL server": async () => {
          const namespace = newName();
          await sqld?.createNamespace(namespace);
          const { fetchFor, url } = sqld ?? { fetchFor: () => fetch, url: "" };
          return createClient({ url, fetch: fetchFor(namespace) });
        },
      }),
};

const role = (name: string) => ({ name });
const user = (id: string) => ({ user_id: `auth2|${id}`, connection: "db", provider: "auth2", email_verified: false });

describe.each(Object.entries(SOURCES))("adapters over %s", (_name, open) => {
  it("come after migrations that are applied once", async () => {
    const source = await open();

    expect((await migrateToLatest(source)).length).toBeGreaterThan(0);
    expect(await migrateToLatest(source)).toEqual([]);
  });

  it("answer a duplicate with 409 and keep a failed unit from being half-written", async () => {
    const source = await open();
    await migrateToLatest(source);
    const adapters = createAdapters(source);
    await adapters.roles.create("t", role("porter"));
    const event = {
      id: "event-1",
      tenant_id: "t",
      event_type: "x",
      target: { type: "user", id: "one" },
      timestamp: new Date().toISOString(),
    };
    await adapters.users.rawCreate("t", user("one"), { outboxEvents: [event as never] });

    const again = adapters.users.rawCreate("t", user("two"), { outboxEvents: [event as never] });

    await expect(again).rejects.toMatchObject({ status: 409 });
    expect(await adapters.users.get("t", "auth2|two")).toBeNull();
    await expect(adapters.roles.create("t", role("porter"))).rejects.toMatchObject({ status: 409 });
  });

  it("roll a transaction back wholly, nested ones included", async () => {
    const source = await open();
    await migrateToLatest(source);
    const adapters = createAdapters(source);

    const failing = adapters.transaction(async (inside) => {
      await inside.roles.create("t", role("one"));
      await inside.transaction((nested) => nested.roles.create("t", role("two")));
      throw new Error("changed my mind");
    });

    await expect(failing).rejects.toThrow("changed my mind");
    expect((await adapters.roles.list("t")).roles).toEqual([]);
  });

  it("let many transactions at once all succeed", async () => {
    const source = await open();
    await migrateToLatest(source);
    const adapters = createAdapters(source);

    const names = Array.from({ length: 50 }, (_, index) => `role-${index}`);
    await Promise.all(names.map((name) => adapters.transaction((inside) => inside.roles.create("t", role(name)))));

    expect((await adapters.roles.list("t", { include_totals: true })).length).toBe(50);
  });

  it("keep codes once, and sweep what has expired", async () => {
    const source = await open();
    await migrateToLatest(source);
    const { codes } = createAdapters(source);
    const code = { code_type: "otp" as const, login_id: "l", expires_at: "2020-01-01T00:00:00.000Z" };
    await codes.create("t", { ...code, code_id: "spent" });

    const spent = await Promise.all([codes.consume("t", "spent"), codes.consume("t", "spent")]);

    expect(spent.sort()).toEqual([false, true]);
    expect(await codes.cleanup("2021-01-01T00:00:00.000Z")).toBe(1);
    expect(await codes.get("t", "spent", "otp")).toBeNull();
  });
});

describe("a transaction of the caller's own", () => {
  it("takes the adapters along, and rolls them back", async () => {
    const db = new Kysely<object>({ dialect: (await openFile(newPath(), { create: true })).dialect });
    await migrateToLatest(db);

    const failing = db.transaction().execute(async (trx) => {
      const adapters = createAdapters(trx);
      await adapters.roles.create("t", role("kept by nobody"));
      await adapters.transaction((inside) => inside.roles.create("t", role("nor this")));
      throw new Error("the caller's");
    });

    await expect(failing).rejects.toThrow("the caller's");
    expect((await createAdapters(db).roles.list("t")).roles).toEqual([]);
  });
});

describe("a file that another process writes to", () => {
  it("loses none of our writes, however long the other holds the lock", async () => {
    const path = newPath();
    const client = createClient({ url: `file:${path}` });
    await migrateToLatest(client);
    const { roles } = createAdapters(client);
    const other = spawn(process.execPath, ["--input-type=module", "-e", HOLDING_THE_LOCK, path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(other.stdout, "data");

    const names = Array.from({ length: 40 }, (_, index) => `mine-${index}`);
    for (const name of names) await roles.create("t", role(name));
    other.kill("SIGKILL");
    await once(other, "exit");
    client.close();

    const reader = createAdapters({ url: `file:${path}` });
    const found = (await reader.roles.list("t", { per_page: 100 })).roles.map(({ name }) => name);
    expect(found.filter((name) => name.startsWith("mine")).sort()).toEqual(names.sort());
  });
});

/** Takes the write lock again and again, and keeps it for a while each time. */
const HOLDING_THE_LOCK = `
import Database from "libsql";
const db = new Database(process.argv[1]);
const hold = () => {
  try {
    db.exec("begin immediate");
    setTimeout(() => { db.exec("commit"); setTimeout(hold, 5); }, 60);
  } catch { setTimeout(hold, 2); }
};
hold();
console.log("holding");
`;

describe("secrets at rest", () => {
  it("are readable in the file without a key ring, and not with one", async () => {
    const keyRing = createKeyRing({ current: { id: "k", key: Buffer.alloc(32, 9) } });
    const write = async (options: { keyRing?: typeof keyRing }) => {
      const path = newPath();
      const client = createClient({ url: `file:${path}` });
      await migrateToLatest(client);
      const { clients } = createAdapters(client, options);
      const input = { client_id: "c", name: "C", client_secret: "a-planted-secret" };
      await clients.create("t", input as Parameters<typeof clients.create>[1]);
      const back = await clients.get("t", "c");
      await client.execute("pragma wal_checkpoint(truncate)");
      return { path, secret: back?.client_secret };
    };

    const [open, sealed] = [await write({}), await write({ keyRing })];

    expect([open.secret, sealed.secret]).toEqual(["a-planted-secret", "a-planted-secret"]);
    expect(readFileSync(open.path).includes("a-planted-secret")).toBe(true);
    expect(readFileSync(sealed.path).includes("a-planted-secret")).toBe(false);
  });
});
