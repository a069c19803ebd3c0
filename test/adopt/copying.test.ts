import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Libsql from "libsql";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { copyTenant, rehearse } from "../../src/adopt/copying.ts";
import { createFindings } from "../../src/adopt/findings.ts";
import { openSource, type Source } from "../../src/adopt/source.ts";
import { openClient } from "../../src/db/client.ts";
import type { Database } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { splitStatements } from "../../src/db/sql.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createStore, type Store } from "../../src/entities/store.ts";
import { change, makeAuthHeroDatabase } from "../support/authhero-database.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";

let directory: string;
let path: string;
let source: Source;
let database: Database;
let store: Store;

const old = mkdtempSync(join(tmpdir(), "adopt-old-"));
beforeAll(() => makeAuthHeroDatabase(join(old, "old.db")));
afterAll(() => rmSync(old, { recursive: true, force: true }));

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "adopt-"));
  path = join(directory, "old.db");
  copyFileSync(join(old, "old.db"), path);
  source = await openSource(path);
  database = await openFile(join(directory, "new.db"), { create: true });
  await migrate(database, ["tenant"]);
  const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 7) } });
  store = createStore(database, { clock: systemClock, keyRing });
});
afterEach(async () => {
  await source.close();
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

const sql = (text: string) => change(path, (old: Libsql.Database) => void old.exec(text));
const copy = (tenantId = "acme") => copyTenant({ source, store, tenantId });
const rows = async (table: string) => (await store.db.selectFrom(table).selectAll().execute()).length;

async function rehearsed(tenantId = "acme") {
  const findings = createFindings();
  await rehearse({ source, store, tenantId }, findings);
  return findings;
}

describe("a copy", () => {
  it("has what AuthHero's adapters had of it", async () => {
    await copy();

    const { themes, branding, promptSettings, customText, emailProviders, clients, connections, hooks, ...data } =
      createDataAdapters(store);
    expect(await themes.get("acme", "default")).toMatchObject({
      colors: { primary_button: "#7D68F4" },
      fonts: { body_text: { bold: false, size: 16 }, links_style: "normal", reference_text_size: 14 },
      page_background: { page_layout: "center" },
      borders: { show_widget_shadow: true },
    });
    expect(await branding.get("acme")).toMatchObject({
      colors: { primary: "#112233", page_background: { type: "linear-gradient", start: "#000000", end: "#ffffff" } },
      font: { url: "https://acme.example/font.woff" },
    });
    expect(await promptSettings.get("acme")).toMatchObject({ password_first: true });
    expect(await customText.get("acme", "login", "en")).toEqual({ login: { title: "Hello Acme" } });
    expect(await emailProviders.get("acme")).toMatchObject({ credentials: { api_key: "PLANTED-sendgrid-key" } });
    expect(await clients.get("acme", "acme-web")).toMatchObject({
      ...{ client_secret: "acme-old-client-secret-0123456789", callbacks: ["http://app.localhost/callback"] },
      connections: ["con_acme_db"],
    });
    expect(await connections.get("acme", "con_acme_google")).toMatchObject({
      options: { client_secret: "PLANTED-google-secret" },
    });
    expect(await hooks.list("acme")).toMatchObject({ hooks: [{ enabled: true, synchronous: true, priority: 3 }] });
    expect(await data.authenticationMethods.list("acme", "auth2|acme-2")).toMatchObject([
      { type: "totp", totp_secret: "PLANTEDTOTPSECRET", confirmed: true },
    ]);
    expect(await data.passwords.get("acme", "auth2|acme-1")).toMatchObject({ algorithm: "bcrypt" });
    expect(await data.users.get("acme", "auth2|acme-2")).toMatchObject({ address: { country: "SE" }, login_count: 0 });
  });

  it("takes one tenant's rows, and nobody else's", async () => {
    await copy("globex");

    const tenants = await store.db.selectFrom("users").select("tenant_id").distinct().execute();
    expect(tenants).toEqual([{ tenant_id: "globex" }]);
  });

  it("repeated changes nothing", async () => {
    await copy();
    const before = await store.db.selectFrom("clients").selectAll().execute();

    await copy();

    // Sealing anew would give other values.
    expect(await store.db.selectFrom("clients").selectAll().execute()).toEqual(before);
  });

  it("repeated takes what has changed, come and gone in the source meanwhile", async () => {
    await copy();
    sql(`update users set name = 'Renamed' where user_id = 'auth2|acme-3';
      delete from passwords where user_id = 'auth2|acme-3';
      insert into roles (id, tenant_id, name, created_at, updated_at)
        values ('rol_new', 'acme', 'New', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');`);

    await copy();

    const data = createDataAdapters(store);
    expect(await data.users.get("acme", "auth2|acme-3")).toMatchObject({ name: "Renamed" });
    expect(await data.passwords.get("acme", "auth2|acme-3")).toBeNull();
    expect((await data.roles.list("acme")).roles.map(({ name }) => name).sort()).toEqual(["Auditor", "Editor", "New"]);
  });

  it("goes through thousands of rows in pages", async () => {
    sql(`insert into users (user_id, tenant_id, email, created_at, updated_at, login_count, provider, connection,
        email_verified, is_social)
      with recursive n(i) as (select 1 union all select i + 1 from n where i < 1234)
      select 'auth2|many-' || i, 'globex', 'many' || i || '@globex.example', '2026-01-01T00:00:00.000Z',
        '2026-01-01T00:00:00.000Z', 0, 'auth2', 'Username-Password-Authentication', 1, 0 from n`);

    await copy("globex");

    expect(await rows("users")).toBe(1236);
  });

  it("is refused over a row that the contract does not allow, whose value is not shown", async () => {
    sql("update connections set options = 'not-JSON-but-PLANTED' where id = 'con_acme_google'");

    await expect(copy()).rejects.toMatchObject({
      reason: "adoption_hindered",
      message: expect.not.stringMatching("PLANTED"),
    });
  });
});

describe("a rehearsal", () => {
  it("names every row that stands in the way, by its key and its field", async () => {
    sql(`pragma foreign_keys = off;
      update connections set options = 'not-JSON-but-PLANTED' where id = 'con_acme_google';
      update users set email = 'USER1@acme.example' where user_id = 'auth2|acme-2';
      update clients set client_id = 'DEFAULT_CLIENT' where client_id = 'acme-machine'`);

    const { hindrances } = await rehearsed();

    expect(hindrances).toEqual([
      { of: "connections", key: "con_acme_google", message: expect.stringMatching(/^options: .*expected object/) },
      { of: "clients", key: "DEFAULT_CLIENT", message: "client_id: DEFAULT_CLIENT is reserved here" },
      { of: "users", key: "auth2|acme-2", message: expect.stringMatching(/^email, provider exists already/) },
    ]);
  });

  it("counts the rows that stand in the way, when they are many", async () => {
    sql(`insert into connections (id, tenant_id, name, strategy, created_at, updated_at)
      with recursive n(i) as (select 1 union all select i + 1 from n where i < 50)
      select 'con_' || i, 'globex', 'the same', 'oidc', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z' from n`);

    const { hindrances } = await rehearsed("globex");

    expect(hindrances).toHaveLength(21);
    expect(hindrances.at(-1)).toEqual({ of: "connections", message: "and 29 more" });
  });

  it("says which columns have no place, and the management API of old stays behind", async () => {
    sql(`alter table roles add column favourite text;
      update roles set favourite = 'yes' where id = 'rol_acme_editor';
      update resource_servers set identifier = 'urn:authhero:management' where tenant_id = 'acme'`);

    const { leftovers, changes, counts } = await rehearsed();

    expect(leftovers).toEqual([
      { what: expect.stringMatching(/^APIs: api_/), rows: 1, why: "every tenant gets its own management API here" },
      { what: "roles.favourite", rows: 1, why: "there is no such field here" },
    ]);
    expect(changes).toEqual([expect.objectContaining({ what: "roles.is_system", rows: 1 })]);
    expect(counts).toMatchObject({ APIs: 0 });
  });
});

describe.skipIf(sqldMissing)("a source on a libSQL server", () => {
  it("is copied like a file", async () => {
    const sqld = await startSqld([], { namespaces: false });
    const statements = splitStatements(readFileSync("test/support/authhero-database.sql", "utf8"));
    const loaded = openClient({ url: sqld.url });
    // The dump's own transaction is the batch here.
    const own = statements.filter(
      (text) => !/^(?:pragma|begin|commit)\b/i.test(text.replaceAll(/^--.*\n/gm, "").trim()),
    );
    await loaded.batch(own.map((text) => ({ sql: text, parameters: [] })));
    const remote = await openSource(sqld.url);
    try {
      await copyTenant({ source: remote, store, tenantId: "acme" });

      expect([await rows("users"), await rows("passwords")]).toEqual([4, 3]);
      expect(remote.place).toBe(sqld.url.replace(/\/$/, ""));
    } finally {
      await remote.close();
      await loaded.close();
      await sqld.stop();
    }
  });
});

describe("a source", () => {
  it("cannot be written", async () => {
    const { openReadOnly } = await import("../../src/db/read-only.ts");
    const old = await openReadOnly(path);

    await expect(old.batch([{ sql: "delete from users", parameters: [] }])).rejects.toMatchObject({
      reason: "read_only",
    });
    await old.close();
  });

  it.each([
    ["that is not there", () => join(directory, "nowhere.db"), "database_missing"],
    ["that is none of AuthHero's", () => join(directory, "new.db"), "not_authhero"],
    ["that is no database", () => new URL(import.meta.url).pathname, "database_unreadable"],
  ])("%s is refused", async (_, at, reason) => {
    await expect(openSource(at())).rejects.toMatchObject({ reason });
  });
});
