import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Database } from "../../src/db/database.ts";
import { countSealed, resealColumns } from "../../src/db/resealing.ts";
import { createKeyRing, type KeyRing } from "../../src/db/seal.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import type { Column } from "../../src/entities/columns.ts";
import { SEALED_BESIDE_TENANTS, SEALED_IN_TENANTS } from "../../src/entities/index.ts";
import { createStore } from "../../src/entities/store.ts";
import { SAMPLES } from "../support/samples.ts";
import type { Row, Sample, Stored } from "../support/samples-shapes.ts";
import { freshStore, type Transport } from "../support/store.ts";

const key = (id: string, byte: number) => ({ id, key: Buffer.alloc(32, byte) });
const [old, older, fresh] = [key("old", 1), key("older", 2), key("new", 3)];
const before = createKeyRing({ current: old, previous: [older] });
const both = createKeyRing({ current: fresh, previous: [old, older] });
const after = createKeyRing({ current: fresh });

const SEALED = [...SEALED_IN_TENANTS, ...SEALED_BESIDE_TENANTS];
const clock = () => new Date(Date.UTC(2030, 0, 1));

/** The members with sealed columns; that none is missing shows where they are planted. */
const WITH_SECRETS = [
  ..."actions actionVersions authenticationMethods clients connections emailProviders hookCode keys".split(" "),
  ..."logStreams migrationSources resourceServers tenants".split(" "),
];

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function opened(on: Transport = "file") {
  const { database, close } = await freshStore({}, on);
  closing.push(close);
  return database;
}

const adaptersOf = (database: Database, keyRing: KeyRing) =>
  createDataAdapters(createStore(database, { clock, keyRing })) as Stored;

/** How many values are under which key. */
async function census(database: Database) {
  const counts: Record<string, number> = {};
  for (const { keyId, count } of await countSealed(database, SEALED)) counts[keyId] = (counts[keyId] ?? 0) + count;
  return counts;
}

async function withClients(database: Database, keyRing: KeyRing, count: number, prefix = "app") {
  const { clients } = adaptersOf(database, keyRing);
  for (let n = 0; n < count; n += 1) {
    await clients.create("acme", { client_id: `${prefix}-${n}`, name: "app", client_secret: `secret-${prefix}-${n}` });
  }
}

const secretsOf = async (database: Database, keyRing: KeyRing) => {
  const { clients } = await adaptersOf(database, keyRing).clients.list("acme", { per_page: 1000 });
  return clients.map(({ client_id, client_secret }) => `${client_id} ${client_secret}`).sort();
};

describe("the list of what is sealed", () => {
  it("has every column whose codec seals, of every entity", async () => {
    const directory = new URL("../../src/entities/", import.meta.url);
    const place = { tenantId: "acme", table: "table", keyRing: after };
    const isSealedBy = (column: Column<unknown>) =>
      ["planted-secret", { a: "planted-secret" }].some((probe) => {
        try {
          return String(column.encode(probe, place, "field")).includes("rh1.new.");
        } catch {
          return false;
        }
      });
    const found = new Set<string>();
    for (const file of (await readdir(directory)).filter((name) => !["adapters.ts", "index.ts"].includes(name))) {
      for (const value of Object.values(await import(new URL(file, directory).href))) {
        if (typeof value !== "object" || value === null || !("columns" in value) || !("table" in value)) continue;
        for (const [field, column] of Object.entries(value.columns as Record<string, Column<unknown>>)) {
          if (isSealedBy(column)) found.add(`${value.table}.${field}`);
          expect(column.isSealed ?? false, `${value.table}.${field}`).toBe(isSealedBy(column));
        }
      }
    }

    expect(SEALED.map(({ table, field }) => `${table}.${field}`).sort()).toEqual([...found].sort());
    expect(found.size).toBeGreaterThan(10);
  });

  it("leaves nobody else who seals anything without being in a list", async () => {
    const sealing: string[] = [];
    for (const root of ["src", "provisioning"]) {
      for (const name of await readdir(root, { recursive: true })) {
        if (!name.endsWith(".ts")) continue;
        if (/\bseal\(|\breseal\(/.test(await readFile(join(root, name), "utf8"))) sealing.push(`${root}/${name}`);
      }
    }

    // Whoever comes here needs a `SealedColumn` in `SEALED_IN_TENANTS` or `SEALED_IN_CONTROL_PLANE`.
    expect(sealing.sort()).toEqual([
      "provisioning/key-reserve.ts",
      "provisioning/placements.ts",
      "src/db/resealing.ts",
      "src/db/seal.ts",
      "src/entities/columns.ts",
      "src/wiring/seal-check.ts",
    ]);
  });
});

describe.each(["file", "server"] as const)("sealing anew, in a database on a %s", (on) => {
  it("brings every secret there is under the new key, and each reads as before with that key alone", async () => {
    const database = await opened(on);
    const planted: { sample: Sample; row: Row }[] = [];
    for (const [name, sample] of SAMPLES) {
      if (!WITH_SECRETS.includes(name)) continue;
      for (const n of sample.single ? [0] : [0, 1, 2, 3]) {
        const value = sample.value(n);
        const created = await sample.create(adaptersOf(database, before), "acme", value);
        planted.push({ sample, row: { ...value, ...(typeof created === "object" ? created : {}) } as Row });
      }
    }
    const read = async (keyRing: KeyRing) => {
      const rows: unknown[] = [];
      for (const { sample, row } of planted) rows.push(await sample.get?.(adaptersOf(database, keyRing), "acme", row));
      return rows;
    };
    const shown = await read(before);
    const counts = await countSealed(database, SEALED);
    expect(counts.map(({ table, field }) => `${table}.${field}`).sort()).toEqual(
      SEALED.map(({ table, field }) => `${table}.${field}`).sort(),
    );
    await expect(read(after)).rejects.toMatchObject({ reason: "unseal_failed" });

    await resealColumns(database, both, SEALED);

    expect(new Set((await countSealed(database, SEALED)).map(({ keyId }) => keyId))).toEqual(new Set(["new"]));
    expect(await read(after)).toEqual(shown);
  }, 120_000);
});

describe("sealing anew", () => {
  it("takes batch after batch, whichever of several keys a value is under", async () => {
    const database = await opened();
    await withClients(database, before, 130);
    await withClients(database, createKeyRing({ current: older }), 120, "older");
    const secrets = await secretsOf(database, before);
    expect(await census(database)).toEqual({ old: 130, older: 120 });

    await resealColumns(database, both, SEALED);

    expect(await census(database)).toEqual({ new: 250 });
    expect(await secretsOf(database, after)).toEqual(secrets);
  });

  it("goes on after a crash at any statement", async () => {
    for (let last = 0; ; last += 1) {
      const database = await opened();
      await withClients(database, before, 110);
      const secrets = await secretsOf(database, before);
      let batches = 0;
      const dying: Database = {
        ...database,
        batch: (statements) => (batches++ === last ? Promise.reject(new Error("crash")) : database.batch(statements)),
      };
      const died = await resealColumns(dying, both, SEALED).then(
        () => false,
        () => true,
      );

      // Whatever was reached, nothing is lost meanwhile.
      expect(await secretsOf(database, both)).toEqual(secrets);
      await resealColumns(database, both, SEALED);

      expect(await census(database)).toEqual({ new: 110 });
      expect(await secretsOf(database, after)).toEqual(secrets);
      if (!died) return;
      expect(last).toBeLessThan(50);
    }
  }, 60_000);

  it("lets whoever writes meanwhile win, and seals what was written with an older key after all", async () => {
    const database = await opened();
    await withClients(database, before, 3);
    const { clients } = adaptersOf(database, before);
    let isFirst = true;
    const shared: Database = {
      ...database,
      async batch(statements) {
        if (statements[0]?.sql.startsWith("update") && isFirst) {
          isFirst = false;
          await clients.update("acme", "app-1", { client_secret: "changed meanwhile" });
        }
        return await database.batch(statements);
      },
    };

    await resealColumns(shared, both, SEALED);

    expect(isFirst).toBe(false);
    expect(await census(database)).toEqual({ new: 3 });
    expect(await secretsOf(database, after)).toEqual([
      "app-0 secret-app-0",
      "app-1 changed meanwhile",
      "app-2 secret-app-2",
    ]);
  });

  it("may be done by two at once", async () => {
    const database = await opened();
    await withClients(database, before, 150);
    const secrets = await secretsOf(database, before);

    await Promise.all([resealColumns(database, both, SEALED), resealColumns(database, both, SEALED)]);

    expect(await census(database)).toEqual({ new: 150 });
    expect(await secretsOf(database, after)).toEqual(secrets);
  });

  it("leaves what it cannot open, and goes past it", async () => {
    const database = await opened();
    await withClients(database, createKeyRing({ current: key("lost", 9) }), 130, "a-lost");
    await withClients(database, before, 5, "kept");
    const sealed = { sql: "select client_secret as value from clients where client_id like 'a-lost%'", parameters: [] };
    const [lost] = await database.batch([sealed]);

    await resealColumns(database, both, SEALED);

    expect(await census(database)).toEqual({ lost: 130, new: 5 });
    expect((await database.batch([sealed]))[0]?.rows).toEqual(lost?.rows);
  });
});
