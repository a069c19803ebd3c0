import { readdir } from "node:fs/promises";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Definition, storedColumns } from "../../src/entities/entity.ts";
import { createEntities } from "../../src/entities/index.ts";
import type { Link } from "../../src/entities/link.ts";
import type { Singleton } from "../../src/entities/singleton.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

const ENTITIES = new URL("../../src/entities/", import.meta.url);

/** No tenant owns their rows: tenants themselves, what is done to them, and counters whose key names the tenant. */
const TENANTLESS = ["tenants", "tenant_operation_events", "rollouts"];

/** Their rows are found by an id alone, or name no tenant when they are about all of them. */
const KEYED_BY_ID = ["login_sessions", "outbox_events", "tenant_operations", "signing_keys", ...TENANTLESS];

/** Tables that no definition describes. */
const BY_HAND = [
  "database_identity",
  "schema_migrations",
  "rate_limits",
  "sync_state",
  "synced_entities",
  "tenant_singletons",
];

interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
}

let fresh: FreshStore;
const tables = new Map<string, readonly TableColumn[]>();
const definitions: [name: string, definition: Definition][] = [];
const links: [name: string, link: Link][] = [];
const singletons: [name: string, singleton: Singleton<object>][] = [];

/** They only put the others together. */
const ASSEMBLIES = ["adapters.ts", "index.ts"];

/** Every definition there is, found by its shape: a list of them could forget one. */
for (const file of (await readdir(ENTITIES)).filter((name) => !ASSEMBLIES.includes(name)).sort()) {
  const exported: Record<string, unknown> = await import(new URL(file, ENTITIES).href);
  for (const [name, value] of Object.entries(exported)) {
    if (typeof value !== "object" || value === null) continue;
    if ("table" in value && "columns" in value) definitions.push([name, value as Definition]);
    else if ("table" in value && "pair" in value) links.push([name, value as Link]);
    else if ("kind" in value && "columns" in value) singletons.push([name, value as Singleton<object>]);
  }
}

beforeAll(async () => {
  fresh = await freshStore();
  const { rows } = await sql<TableColumn & { table: string }>`
    select list.name as "table", info.name, info.type, info."notnull", info.pk
    from pragma_table_list as list join pragma_table_xinfo(list.name) as info
    where list.schema = 'main' and list.type = 'table' and list.name not like 'sqlite!_%' escape '!'
  `.execute(fresh.store.db);
  for (const { table, ...column } of rows) tables.set(table, [...(tables.get(table) ?? []), column]);
});

afterAll(() => fresh.close());

const columnsOf = (table: string) => (tables.get(table) ?? []).map(({ name }) => name).sort();

const withTenant = (table: string, columns: readonly string[]) =>
  [...new Set(TENANTLESS.includes(table) ? columns : ["tenant_id", ...columns])].sort();

const asShape = (definition: unknown) => definition as Definition;

describe("the tables", () => {
  it("are those of the definitions, and no others", () => {
    const described = [...definitions, ...links].map(([, { table }]) => table);

    expect([...tables.keys()].sort()).toEqual([...new Set([...described, ...BY_HAND])].sort());
  });

  it.each(definitions)("hold the columns of %s, and no others", (_name, definition) => {
    expect(columnsOf(definition.table)).toEqual(withTenant(definition.table, storedColumns(definition)));
  });

  it.each(links)("hold the pairs of %s, and no others", (_name, { table, pair }) => {
    expect(columnsOf(table)).toEqual(withTenant(table, [...pair, "created_at"]));
  });

  it("hold the columns of all singletons in the one they share, and no others", () => {
    const owners = definitions.filter(([, { table }]) => table === "tenant_singletons");
    const shared = [...singletons, ...owners].flatMap(([, definition]) => storedColumns(asShape(definition)));

    expect(columnsOf("tenant_singletons")).toEqual([...new Set(["tenant_id", "kind", ...shared])].sort());
  });

  it("are all STRICT", async () => {
    const { rows } = await sql<{ name: string }>`
      select name from pragma_table_list
      where schema = 'main' and type = 'table' and strict = 0 and name not like 'sqlite!_%' escape '!'
    `.execute(fresh.store.db);

    expect(rows).toEqual([]);
  });

  it("name the tenant of every row, in its key wherever the tenant is known", () => {
    const nameless = definitions
      .map(([, { table }]) => table)
      .concat(links.map(([, { table }]) => table))
      .filter((table) => !KEYED_BY_ID.includes(table))
      .filter((table) => !tables.get(table)?.some(({ name, notnull, pk }) => name === "tenant_id" && notnull && pk));

    expect(nameless).toEqual([]);
  });
});

describe("a tenant that is removed", () => {
  // What was done to a tenant is told after it is gone; whose database this is, is not the tenant's to say.
  const kept = ["tenant_operations", "database_identity"];

  it("leaves no row in any table, and those of others alone", async () => {
    const { store, close } = await freshStore();
    const owned = [...tables.keys()].filter((table) => columnsOf(table).includes("tenant_id") && !kept.includes(table));
    const rowOf = (table: string, tenantId: string) =>
      Object.fromEntries(
        (tables.get(table) ?? []).map(({ name, type }) => {
          if (name === "tenant_id") return [name, tenantId];
          return [name, type === "INTEGER" ? 1 : `"${tenantId}"`];
        }),
      );
    const tenantsLeft = (table: string) => store.db.selectFrom(table).select("tenant_id").execute();
    await store.batch(
      owned.flatMap((table) =>
        ["acme", "other"].map((tenantId) => store.db.insertInto(table).values(rowOf(table, tenantId))),
      ),
    );

    await createEntities(store).tenants.remove("acme");

    for (const table of owned) expect([table, await tenantsLeft(table)]).toEqual([table, [{ tenant_id: "other" }]]);
    await close();
  });
});

describe("a definition names columns that are there", () => {
  it.each(definitions)("%s, to sort and to filter by", (_name, definition) => {
    const { sortable = [], order = [], filters } = definition;
    const plain = Object.entries(filters?.fields ?? {}).filter(([, filter]) => typeof filter === "string");
    const named = [
      ...sortable,
      ...order.map(([field]) => field),
      ...plain.map(([field]) => field),
      ...Object.keys(filters?.search ?? {}),
    ];

    expect(named.filter((field) => !columnsOf(definition.table).includes(field))).toEqual([]);
  });

  it.each(definitions)("%s, to delete what hangs on it", (_name, { cascade = [] }) => {
    expect(cascade.filter(([table, column]) => !columnsOf(table).includes(column))).toEqual([]);
  });
});
