import { Kysely, sql } from "kysely";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { DatabaseProvider, Location } from "../../provisioning/providers/provider.ts";
import { prefixedId } from "../domain/ids.ts";
import { DatabaseName } from "../domain/names.ts";
import { capabilityClauses } from "./capabilities.ts";
import { names, notes, type Subject, tables, write } from "./subject.ts";

/** What every provider owes its callers, whoever wrote it. */
const clauses = {
  "opening an absent database is not_found": async ({ provider, name }) => {
    await expect(provider.open(name, { locator: "absent" })).rejects.toMatchObject({
      code: "not_found",
      reason: "database_missing",
    });
  },

  "a new database is empty and keeps what is written": async ({ provider, name }) => {
    const location = await provider.ensure(name);

    expect(await tables(provider, name, location)).toEqual([]);
    await write(provider, name, location, "kept");

    expect(await notes(provider, name, location)).toEqual(["kept"]);
  },

  "ensuring twice keeps what was written in between": async ({ provider, name }) => {
    await write(provider, name, await provider.ensure(name), "kept");

    const location = await provider.ensure(name);

    expect(await notes(provider, name, location)).toEqual(["kept"]);
  },

  "ensuring from a template leaves an existing database as it is": async ({ provider, name, other }) => {
    await write(provider, name, await provider.ensure(name), "template");
    await write(provider, other, await provider.ensure(other), "own");

    const location = await provider.ensure(other, { from: name });

    expect(await notes(provider, other, location)).toEqual(["own"]);
  },

  "many callers ensuring one database get the same one": async ({ provider, name }) => {
    const [location] = await Promise.all(Array.from({ length: 10 }, () => provider.ensure(name)));
    if (!location) throw new Error("ensure gave no location");

    await write(provider, name, location, "kept");
    await Promise.all(Array.from({ length: 10 }, () => provider.ensure(name)));

    expect(await notes(provider, name, location)).toEqual(["kept"]);
  },

  "a copy has what its source had, and is its own from then on": async ({ provider, name, other }) => {
    const source = await provider.ensure(name);
    await write(provider, name, source, "shared");

    const copy = await provider.ensure(other, { from: name });
    await write(provider, name, source, "source");
    await write(provider, other, copy, "copy");

    expect(await notes(provider, name, source)).toEqual(["shared", "source"]);
    expect(await notes(provider, other, copy)).toEqual(["copy", "shared"]);
  },

  "a copy of an open database has everything committed before": async ({ provider, name, other }) => {
    const location = await provider.ensure(name);
    await write(provider, name, location, "first");
    await provider.destroy(other);
    await provider.ensure(other, { from: name });
    await provider.destroy(other);
    const open = await provider.open(name, location);
    await sql`insert into note values ('second')`.execute(new Kysely({ dialect: open.dialect }));

    const copy = await provider.ensure(other, { from: name });
    await open.close();

    expect(await notes(provider, other, copy)).toEqual(["first", "second"]);
  },

  "copying an absent database is not_found and makes nothing": async ({ provider, name, other }) => {
    await expect(provider.ensure(name, { from: other })).rejects.toMatchObject({ code: "not_found" });

    await expect(provider.open(name, { locator: "absent" })).rejects.toMatchObject({ code: "not_found" });
  },

  "many callers ensuring one copy get the same one": async ({ provider, name, other }) => {
    const source = await provider.ensure(name);
    await write(provider, name, source, "shared");

    const [copy] = await Promise.all(Array.from({ length: 10 }, () => provider.ensure(other, { from: name })));
    if (!copy) throw new Error("ensure gave no location");

    await write(provider, other, copy, "own");
    expect(await notes(provider, other, copy)).toEqual(["own", "shared"]);
    expect(await notes(provider, name, source)).toEqual(["shared"]);
  },

  "two databases share nothing": async ({ provider, name, other }) => {
    const one = await provider.ensure(name);
    const two = await provider.ensure(other);

    await Promise.all([write(provider, name, one, "one"), write(provider, other, two, "two")]);

    expect(await notes(provider, name, one)).toEqual(["one"]);
    expect(await notes(provider, other, two)).toEqual(["two"]);
  },

  "a location opens the database from another process too": async ({ provider, name, again }) => {
    const location = await provider.ensure(name);
    await write(provider, name, location, "kept");

    // The registry keeps a location as text.
    const remembered: Location = JSON.parse(JSON.stringify(location));

    expect(await notes(await again(), name, remembered)).toEqual(["kept"]);
  },

  // Every transport reports this differently; callers must not notice.
  "a unique violation is a conflict": async ({ provider, name }) => {
    const location = await provider.ensure(name);
    await write(provider, name, location, "one");

    const second = write(provider, name, location, "one");

    await expect(second).rejects.toMatchObject({ code: "conflict", reason: "unique_violation" });
  },

  "a batch happens whole or not at all": async ({ provider, name }) => {
    const location = await provider.ensure(name);
    await write(provider, name, location, "one");
    const database = await provider.open(name, location);
    const insert = (body: string) => ({ sql: "insert into note values (?)", parameters: [body] });

    const failed = database.batch([insert("two"), insert("one"), insert("three")]);

    await expect(failed).rejects.toMatchObject({ code: "conflict" });
    await database.batch([insert("four"), insert("five")]);
    await database.close();
    expect(await notes(provider, name, location)).toEqual(["five", "four", "one"]);
  },

  "closing twice is harmless, using it afterwards is unavailable": async ({ provider, name }) => {
    const location = await provider.ensure(name);
    const database = await provider.open(name, location);

    await database.close();
    await database.close();

    await expect(database.batch([{ sql: "select 1", parameters: [] }])).rejects.toMatchObject({ code: "unavailable" });
  },

  "a retained database refuses, and is whole when released": async ({ provider, name }) => {
    const location = await provider.ensure(name);
    await write(provider, name, location, "kept");

    await provider.retain(name);
    await provider.retain(name);
    await expect(provider.open(name, location)).rejects.toMatchObject({
      code: "not_found",
      reason: "database_missing",
    });

    await provider.release(name);
    await provider.release(name);
    expect(await notes(provider, name, location)).toEqual(["kept"]);
  },

  "ensuring a retained database neither releases nor replaces it": async ({ provider, name }) => {
    const location = await provider.ensure(name);
    await write(provider, name, location, "kept");
    await provider.retain(name);

    await provider.ensure(name);

    await expect(provider.open(name, location)).rejects.toMatchObject({ code: "not_found" });
    await provider.release(name);
    expect(await notes(provider, name, location)).toEqual(["kept"]);
  },

  // Both, because a caller that did not wait would lose what is still written, or find it where it must not be.
  "retaining stops whoever has it open, where the place says so": async ({ provider, name }) => {
    const location = await provider.ensure(name);
    await write(provider, name, location, "before");
    if (!provider.supports.retainBlocks) return;
    const open = await provider.open(name, location);
    const db = new Kysely<unknown>({ dialect: open.dialect });

    await provider.retain(name);

    await expect(sql`insert into note values ('late')`.execute(db)).rejects.toMatchObject({ code: "unavailable" });
    await expect(sql`select body from note`.execute(db)).rejects.toMatchObject({ code: "unavailable" });
    await open.close();
    await provider.release(name);
    expect(await notes(provider, name, location)).toEqual(["before"]);
  },

  "no transaction commits once retaining is done, where the place says so": async ({ provider, name }) => {
    const location = await provider.ensure(name);
    await write(provider, name, location, "before");
    if (!provider.supports.retainBlocks) return;
    const open = await provider.open(name, location);
    const transaction = await new Kysely<unknown>({ dialect: open.dialect }).startTransaction().execute();
    await sql`insert into note values ('under way')`.execute(transaction);

    await provider.retain(name);

    await expect(transaction.commit().execute()).rejects.toMatchObject({ code: "unavailable" });
    await open.close();
    await provider.release(name);
    expect(await notes(provider, name, location)).toEqual(["before"]);
  },

  "a retained database cannot be copied": async ({ provider, name, other }) => {
    await provider.ensure(name);
    await provider.retain(name);

    await expect(provider.ensure(other, { from: name })).rejects.toMatchObject({ code: "not_found" });
  },

  "destroying is final, and repeating it is done": async ({ provider, name }) => {
    const location = await provider.ensure(name);
    await write(provider, name, location, "gone");

    await provider.destroy(name);
    await provider.destroy(name);

    await expect(provider.open(name, location)).rejects.toMatchObject({ code: "not_found" });
    await provider.release(name);
    await expect(provider.open(name, location)).rejects.toMatchObject({ code: "not_found" });
  },

  "a retained database can be destroyed": async ({ provider, name }) => {
    const location = await provider.ensure(name);
    await provider.retain(name);

    await provider.destroy(name);

    await provider.release(name);
    await expect(provider.open(name, location)).rejects.toMatchObject({ code: "not_found" });
  },

  "a name that is used again starts empty": async ({ provider, name }) => {
    await write(provider, name, await provider.ensure(name), "gone");
    await provider.destroy(name);

    const location = await provider.ensure(name);

    expect(await tables(provider, name, location)).toEqual([]);
    await write(provider, name, location, "new");
    expect(await notes(provider, name, location)).toEqual(["new"]);
  },

  "listing names what exists, retained or not, where the place can list": async ({ provider, name, other }) => {
    await provider.ensure(name);
    await provider.ensure(other);
    await provider.retain(other);
    // Elsewhere the registry is the list, and nothing is promised.
    if (!provider.supports.list) return;
    expect((await names(provider)).filter((found) => found === name || found === other)).toHaveLength(2);

    await provider.destroy(name);
    await provider.destroy(other);

    expect(await names(provider)).not.toContain(name);
    expect(await names(provider)).not.toContain(other);
  },
  ...capabilityClauses,
} satisfies Record<string, (subject: Subject) => Promise<void>>;

/** The name of one thing every provider owes its callers. */
export type ProviderClause = keyof typeof clauses;

/**
 * Runs every clause on a provider; call it at the top of a vitest file. `makeProvider` is called more than once,
 * and all it makes must reach the same databases. `except` excuses a provider from a clause, by name, for a
 * reason that the report shows.
 *
 * @example
 * testProvider(() => fileProvider({ directory }));
 */
export function testProvider(
  makeProvider: () => DatabaseProvider | Promise<DatabaseProvider>,
  except: { readonly [K in ProviderClause]?: string } = {},
): void {
  describe("a database provider", () => {
    const used = new Set<DatabaseName>();
    let provider: DatabaseProvider;
    const again = async () => makeProvider();
    const newName = () => {
      const name = DatabaseName.parse(prefixedId("conformance").replace("_", "-"));
      used.add(name);
      return name;
    };

    beforeAll(async () => {
      provider = await makeProvider();
    });

    afterEach(async () => {
      for (const name of used) await provider.destroy(name);
      used.clear();
    });

    for (const [name, holds] of Object.entries(clauses)) {
      const reason = except[name as ProviderClause];
      it.skipIf(reason)(reason ? `${name} (excused: ${reason})` : name, () =>
        holds({ provider, name: newName(), other: newName(), again }),
      );
    }
  });
}
