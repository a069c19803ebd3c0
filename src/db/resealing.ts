import { Kysely, type RawBuilder, sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import type { Database, Statement } from "./database.ts";
import { type KeyRing, reseal, sealedPrefix } from "./seal.ts";

/** Values that are read, and written in one transaction, at once: no other writer waits for longer. */
const BATCH_ROWS = 100;

/** A process whose first key is another one may write meanwhile. Whoever does so for ever is told of. */
const PASSES_MAX = 3;

type Row = Readonly<Record<string, unknown>>;

/** Where sealed values stand: a column of a table, or a field of the document in its column `doc`. */
export interface SealedColumn {
  readonly table: string;
  readonly field: string;
  readonly home: "column" | "doc";
  /** What tells a row from all others, in the order of the primary key. */
  readonly key: readonly string[];
  /** Further columns that `boundTo` reads. */
  readonly besides?: readonly string[];
  /** What the value of a row is bound to. */
  readonly boundTo: (row: Row) => string;
}

/** How many values of a column are sealed with a key. */
export interface SealedCount {
  readonly table: string;
  readonly field: string;
  readonly keyId: string;
  readonly count: number;
}

/** How many values are sealed with which key, column by column, in one round trip. */
export async function countSealed(
  database: Database,
  columns: readonly SealedColumn[],
): Promise<readonly SealedCount[]> {
  const db = dbOf(database);
  const begin = sealedPrefix();
  const statements = columns.map(({ table, ...column }) => {
    const value = storedIn(column);
    const rest = sql`substr(${value}, ${begin.length + 1})`;
    const keyId = sql`substr(${rest}, 1, instr(${rest}, '.') - 1)`;
    return sql`
      select ${keyId} as "keyId", count(*) as "count" from ${sql.table(table)}
      where ${beginsWith(value, begin)} group by 1 order by 1
    `.compile(db);
  });
  const results = await database.batch(statements);
  return columns.flatMap(({ table, field }, index) =>
    (results[index]?.rows ?? []).map(({ keyId, count }) => ({
      ...{ table, field },
      keyId: String(keyId),
      count: Number(count),
    })),
  );
}

/**
 * Seals with the current key what is sealed with another one of the ring, a batch at a time. Each write compares the
 * value that it replaces, so whoever writes meanwhile wins. What cannot be opened stays as it is. Going on after a
 * crash is beginning again.
 */
export async function resealColumns(
  database: Database,
  ring: KeyRing,
  columns: readonly SealedColumn[],
): Promise<void> {
  for (let pass = 1; pass <= PASSES_MAX; pass += 1) {
    let changed = 0;
    for (const column of columns) changed += await resealColumn(database, ring, column);
    if (changed === 0) return;
  }
}

/** Returns how many values were sealed anew. */
async function resealColumn(database: Database, ring: KeyRing, column: SealedColumn): Promise<number> {
  let changed = 0;
  let page = await readPage(database, ring, column, null);
  while (page.length > 0) {
    const writes = page.flatMap((row) => writeOf(database, ring, column, row));
    const results = await database.batch(writes);
    changed += results.reduce((sum, { changes }) => sum + changes, 0);
    page = page.length < BATCH_ROWS ? [] : await readPage(database, ring, column, page.at(-1) ?? null);
  }
  return changed;
}

/** The next rows, after one, whose value is sealed with another key than the current one. */
async function readPage(
  database: Database,
  ring: KeyRing,
  { table, key, besides = [], ...column }: SealedColumn,
  after: Row | null,
): Promise<readonly Row[]> {
  const value = storedIn(column);
  const keys = sql.join(key.map((name) => sql.ref(name)));
  const onwards = after ? sql`and (${keys}) > (${sql.join(key.map((name) => after[name]))})` : sql``;
  const { rows } = await sql<Row>`
    select ${sql.join([...key, ...besides].map((name) => sql.ref(name)))}, ${value} as "sealed" from ${sql.table(table)}
    where ${beginsWith(value, sealedPrefix())} and not ${beginsWith(value, sealedPrefix(ring.currentId))} ${onwards}
    order by ${keys} limit ${BATCH_ROWS}
  `.execute(dbOf(database));
  return rows;
}

function writeOf(database: Database, ring: KeyRing, column: SealedColumn, row: Row): Statement[] {
  const before = String(row.sealed);
  const after = resealed(ring, before, column.boundTo(row));
  if (after === null) return [];
  const { table, key, field, home } = column;
  const changed =
    home === "doc" ? sql`doc = json_set(doc, ${pathOf(field)}, ${after})` : sql`${sql.ref(field)} = ${after}`;
  const isRow = sql.join(
    key.map((name) => sql`${sql.ref(name)} = ${row[name]}`),
    sql` and `,
  );
  const update = sql`update ${sql.table(table)} set ${changed} where ${isRow} and ${storedIn(column)} = ${before}`;
  return [update.compile(dbOf(database))];
}

function resealed(ring: KeyRing, sealed: string, aad: string): string | null {
  try {
    return reseal(ring, sealed, aad);
  } catch (error) {
    if (error instanceof PlatformError && error.reason === "unseal_failed") return null;
    throw error;
  }
}

const dbOf = ({ dialect }: Database) => new Kysely<Record<string, never>>({ dialect });

const pathOf = (field: string) => `$.${JSON.stringify(field)}`;

const storedIn = ({ home, field }: Pick<SealedColumn, "home" | "field">): RawBuilder<unknown> =>
  home === "doc" ? sql`json_extract(doc, ${pathOf(field)})` : sql`${sql.ref(field)}`;

const beginsWith = (value: RawBuilder<unknown>, prefix: string) =>
  sql`substr(${value}, 1, ${prefix.length}) = ${prefix}`;
