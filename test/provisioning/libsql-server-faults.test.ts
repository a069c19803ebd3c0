import { afterAll, describe, expect, it } from "vitest";
import { libsqlServerProvider } from "../../provisioning/providers/libsql-server.ts";
import type { DatabaseProvider } from "../../provisioning/providers/provider.ts";
import { prefixedId } from "../../src/domain/ids.ts";
import { DatabaseName } from "../../src/domain/names.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";
import { ask } from "./street.ts";

const adminKey = "k".repeat(32);
const started: { stop(): Promise<void> }[] = [];
const start = async (maxActiveNamespaces?: number) => {
  const sqld = await startSqld([], { adminKey, ...(maxActiveNamespaces && { maxActiveNamespaces }) });
  started.push(sqld);
  return sqld;
};
const sqld = sqldMissing ? null : await start();
afterAll(() => Promise.all(started.map((server) => server.stop())));

const place = { url: sqld?.url ?? "", adminUrl: sqld?.adminUrl ?? "", adminKey };
const newName = () => DatabaseName.parse(prefixedId("t").replace("_", "-"));

async function notesOf(provider: DatabaseProvider, name: DatabaseName, location: { locator: string; secret?: string }) {
  const database = await provider.open(name, location);
  try {
    return (await ask(database, "select body from note order by body")).map(({ body }) => body);
  } finally {
    await database.close();
  }
}

/** A template with one note, and where it is. */
async function makeTemplate(provider: DatabaseProvider, body = "template") {
  const name = newName();
  const location = await provider.ensure(name);
  const database = await provider.open(name, location);
  await ask(database, "create table note (body text)");
  await ask(database, "insert into note values (?)", body);
  await database.close();
  return { name, location };
}

const isAdmin = (input: unknown) => String(input).startsWith(place.adminUrl);

/** The real server behind a line that breaks: `fault` sees each admin call and its number. */
function faulty(
  fault: (call: { path: string; count: number }, carryOut: () => Promise<Response>) => Promise<Response>,
) {
  let count = 0;
  return libsqlServerProvider({
    ...place,
    fetch: (input, init) => {
      if (!isAdmin(input)) return fetch(input, init);
      count += 1;
      return fault({ path: new URL(String(input)).pathname, count }, () => fetch(input, init));
    },
  });
}

async function configOf(name: DatabaseName, change?: object) {
  const url = `${place.adminUrl}/v1/namespaces/${name}/config`;
  const headers = { authorization: `basic ${adminKey}`, "content-type": "application/json" };
  const config = (await (await fetch(url, { headers })).json()) as Record<string, unknown>;
  if (change) await fetch(url, { method: "POST", headers, body: JSON.stringify({ ...config, ...change }) });
  return config;
}

const reason = sqldMissing ? ` (skipped: ${sqldMissing})` : "";

describe.skipIf(sqldMissing)(`keys of databases on a libSQL server${reason}`, () => {
  const provider = libsqlServerProvider(place);

  it("open their own database and no other, and nobody gets in without", async () => {
    const [one, other] = [newName(), newName()];
    const location = await provider.ensure(one);
    const otherLocation = await provider.ensure(other);
    const refused = { code: "unavailable", reason: "database_refused" };

    expect(location.secret).not.toBe(otherLocation.secret);
    await expect(provider.open(one, otherLocation)).rejects.toMatchObject(refused);
    await expect(provider.open(one, { locator: one })).rejects.toMatchObject(refused);
    await expect(provider.open(one, { locator: one, secret: "x" })).rejects.toMatchObject({ code: "internal" });
    await (await provider.open(one, location)).close();
  });

  it("are not those of the template, also when a crash came between copying and setting the key", async () => {
    const template = await makeTemplate(provider);
    const name = newName();
    const crashing = faulty(({ path }, carryOut) =>
      path.endsWith("/config") && path.includes(name)
        ? carryOut().then((answer) => (answer.status === 404 ? answer : Promise.reject(new Error("crash"))))
        : carryOut(),
    );

    await expect(crashing.ensure(name, { from: template.name })).rejects.toMatchObject({
      reason: "server_unreachable",
    });
    const location = await provider.ensure(name, { from: template.name });

    await expect(provider.open(name, template.location)).rejects.toMatchObject({ reason: "database_refused" });
    expect(await notesOf(provider, name, location)).toEqual(["template"]);
  });

  it("make new tokens before the old ones end", async () => {
    const time = { ms: Date.now() - 60 * 60_000 };
    const late = libsqlServerProvider({ ...place, clock: () => new Date(time.ms) });
    const name = newName();
    const location = await late.ensure(name);
    await expect(late.open(name, location)).rejects.toMatchObject({ reason: "database_refused" });

    time.ms = Date.now() - 8 * 60_000;
    const database = await late.open(name, location);
    time.ms = Date.now();

    expect(await ask(database, "select 1 as one")).toEqual([{ one: 1 }]);
    await database.close();
  });

  it("stay valid when the admin key changes", async () => {
    const { name, location } = await makeTemplate(provider, "kept");

    const later = libsqlServerProvider({ ...place, adminKey: "n".repeat(32) });

    expect(await notesOf(later, name, location)).toEqual(["kept"]);
  });
});

describe.skipIf(sqldMissing)(`a libSQL server that misbehaves${reason}`, () => {
  const provider = libsqlServerProvider(place);

  it("may lose every answer after doing as it was told, or be busy before", async () => {
    const template = await makeTemplate(provider);
    const name = newName();
    const losing = faulty(async ({ count }, carryOut) => {
      const kind = count % 4;
      if (kind === 1) return new Response("busy", { status: 429 });
      if (kind === 2) return new Response("failed", { status: 500 });
      const answer = await carryOut();
      if (kind === 3 && answer.ok) throw new TypeError("fetch failed");
      return answer;
    });

    const location = await losing.ensure(name, { from: template.name });
    await losing.retain(name);
    await expect(losing.open(name, location)).rejects.toMatchObject({ code: "not_found" });
    await losing.release(name);

    expect(await notesOf(losing, name, location)).toEqual(["template"]);
    await losing.destroy(name);
    await expect(provider.open(name, location)).rejects.toMatchObject({ code: "not_found" });
  });

  it.each([400, 409, 422])("may say %i when somebody else was faster", async (status) => {
    const name = newName();
    const racing = faulty(async ({ path }, carryOut) => {
      // Between looking and making, another process makes it.
      if (path.endsWith("/create")) await provider.ensure(name);
      const answer = await carryOut();
      return answer.status === 400 ? new Response(await answer.text(), { status }) : answer;
    });

    const location = await racing.ensure(name);

    await (await provider.open(name, location)).close();
  });

  it("is reported when it is not there, and never with the key", async () => {
    const nowhere = libsqlServerProvider({ ...place, adminUrl: "http://127.0.0.1:9" });

    const error = await nowhere.ensure(newName()).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: "unavailable", reason: "server_unreachable" });
    expect(String(error)).not.toContain(adminKey);
  });

  it("is reported when it does not take the admin key", async () => {
    const stranger = libsqlServerProvider({ ...place, adminKey: "s".repeat(32) });

    await expect(stranger.ensure(newName())).rejects.toMatchObject({ code: "unavailable", reason: "server_refused" });
  });

  it("is reported when something else answers there", async () => {
    const page = faulty(() => Promise.resolve(new Response("<html>", { status: 200 })));
    const picky = faulty(() => Promise.resolve(new Response("no", { status: 418 })));

    await expect(page.ensure(newName())).rejects.toMatchObject({ code: "unavailable", reason: "server_unreachable" });
    await expect(picky.ensure(newName())).rejects.toMatchObject({ code: "invalid", reason: "server_rejected" });
  });

  it("may lose a database that is open: that is our trouble, not an answer", async () => {
    const { name, location } = await makeTemplate(provider);
    const database = await provider.open(name, location);

    await provider.destroy(name);

    await expect(ask(database, "select 1")).rejects.toMatchObject({ code: "unavailable", reason: "database_missing" });
    await database.close();
  });

  it("keeps what else is configured when a database is retained and released", async () => {
    const name = newName();
    await provider.ensure(name);
    await configOf(name, { txn_timeout_s: 3, max_db_size: "5.0 MB", allow_attach: true });
    const before = await configOf(name);

    await provider.retain(name);
    expect(await configOf(name)).toMatchObject({ block_reads: true, block_writes: true, txn_timeout_s: 3 });
    await Promise.all([provider.release(name), provider.ensure(name)]);

    expect(await configOf(name)).toEqual(before);
    expect(before).toMatchObject({ txn_timeout_s: 3, max_db_size: "5.0 MB", allow_attach: true });
  });
});

describe.skipIf(sqldMissing)(`many databases on a libSQL server${reason}`, () => {
  /** Ten at a time. */
  async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const rest = [...items];
    const worker = async () => {
      for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
    };
    await Promise.all(Array.from({ length: 10 }, worker));
  }

  it("are copied, opened and asked, 150 of them", async () => {
    const provider = libsqlServerProvider(place);
    const template = await makeTemplate(provider);
    const names = Array.from({ length: 150 }, newName);

    await forEach(names, async (name) => {
      const location = await provider.ensure(name, { from: template.name });
      const database = await provider.open(name, location);
      await ask(database, "insert into note values (?)", name);
      await database.close();
    });

    await forEach(names, async (name) => {
      expect(await notesOf(provider, name, await provider.ensure(name))).toEqual([name, "template"].toSorted());
      await provider.destroy(name);
    });
  });

  it("answer although the server keeps only a few of them in memory", async () => {
    const { url, adminUrl } = await start(5);
    const provider = libsqlServerProvider({ url, adminUrl, adminKey });
    const names = Array.from({ length: 40 }, newName);
    await forEach(names, async (name) => {
      const database = await provider.open(name, await provider.ensure(name));
      await ask(database, "create table note (body text)");
      await database.close();
    });

    await forEach([...names, ...names, ...names].toReversed(), async (name) => {
      expect(await notesOf(provider, name, await provider.ensure(name))).toEqual([]);
    });
  });
});

describe("the options of the libsql-server provider", () => {
  const good = { url: "http://127.0.0.1:1", adminUrl: "http://127.0.0.1:2", adminKey };

  it.each([
    [{ ...good, adminKey: "short" }, "adminKey"],
    [{ ...good, url: "libsql://db.example" }, "url"],
    [{ ...good, adminUrl: "http://me:pass@db.example" }, "adminUrl"],
  ])("are refused by name and without the value: %#", (options, name) => {
    expect(() => libsqlServerProvider(options)).toThrow(new RegExp(name));
    expect(() => libsqlServerProvider(options)).not.toThrow(/short|me:pass/);
  });

  it("have no place for names that could leave a path", () => {
    for (const name of ["..", "a/b", "..%2F..%2Fevil", "A", "", "a".repeat(64)]) {
      expect(DatabaseName.safeParse(name).success, name).toBe(false);
    }
  });
});
