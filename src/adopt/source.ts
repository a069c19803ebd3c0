import { Kysely, sql } from "kysely";
import { openClient } from "../db/client.ts";
import type { Database } from "../db/database.ts";
import { openReadOnly } from "../db/read-only.ts";
import { PlatformError } from "../domain/errors.ts";
import type { Row } from "../entities/entity.ts";

/** Rows that are read, written and compared at once: one batch to a server, well below its limits. */
const PAGE_ROWS = 200;

/** A database of AuthHero's in which many tenants live. It is only read. */
export interface Source {
  /** Where it is, without credentials. */
  readonly place: string;
  /** The columns of its tables, by their names. */
  readonly tables: ReadonlyMap<string, readonly string[]>;
  /** Every tenant's own row, in the order of their ids. */
  tenants(): AsyncIterable<Row>;
  /** How many rows of a table are a tenant's; null asks for those of nobody. */
  count(table: string, tenantId: string | null): Promise<number>;
  /** The rows of a table that are a tenant's, in pages. */
  pages(table: string, tenantId: string): AsyncIterable<readonly Row[]>;
  close(): Promise<void>;
}

/**
 * Opens a file, or a database behind a libSQL URL. Throws `invalid` (`not_authhero`) for one without tenants, and what
 * a database that cannot be read throws.
 */
export async function openSource(address: string, authToken?: string): Promise<Source> {
  const isUrl = /^(?:libsql|https?):\/\//.test(address);
  const database = isUrl
    ? openClient({ url: address, ...(authToken !== undefined && { authToken }) })
    : await openReadOnly(address.replace(/^file:(?:\/\/)?/, ""));
  try {
    return await sourceIn(database, isUrl ? placeOf(address) : address);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A token may be part of the address. */
function placeOf(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}

// The tables of a stranger's database: their names and columns are found out as it is read.
// biome-ignore lint/suspicious/noExplicitAny: for the reason above.
type Unknown = any;

async function sourceIn(database: Database, place: string): Promise<Source> {
  const db = new Kysely<Unknown>({ dialect: database.dialect });
  const tables = await tablesIn(db);
  if (!tables.get("tenants")?.includes("id")) {
    throw new PlatformError("invalid", "not_authhero", `${place} is no database of AuthHero's: it has no tenants`);
  }
  const page = (table: string, after: number) =>
    db
      .selectFrom(table)
      .selectAll()
      .select(sql<number>`rowid`.as(ROWID))
      .where(sql`rowid`, ">", after)
      .orderBy(sql`rowid`)
      .limit(PAGE_ROWS);

  async function* pages(read: (after: number) => ReturnType<typeof page>): AsyncIterable<readonly Row[]> {
    let rows: readonly Row[] = [];
    do {
      rows = await read(Number(rows.at(-1)?.[ROWID] ?? -1)).execute();
      if (rows.length > 0) yield rows.map(({ [ROWID]: _rowid, ...row }) => row);
    } while (rows.length === PAGE_ROWS);
  }

  return {
    ...{ place, tables },
    async *tenants() {
      for await (const rows of pages((after) => page("tenants", after))) yield* rows;
    },
    async count(table, tenantId) {
      const all = db.selectFrom(table).select(sql<number>`count(*)`.as("rows"));
      const { rows } = await all.where("tenant_id", tenantId === null ? "is" : "=", tenantId).executeTakeFirstOrThrow();
      return Number(rows);
    },
    pages: (table, tenantId) => pages((after) => page(table, after).where("tenant_id", "=", tenantId)),
    close: () => database.close(),
  };
}

const ROWID = "rowhouse_rowid";

async function tablesIn(db: Kysely<Unknown>): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ table_name: string; column_name: string }>`
    select tables.name as table_name, columns.name as column_name
    from sqlite_master as tables, pragma_table_info(tables.name) as columns
    where tables.type = 'table' order by tables.name, columns.cid`.execute(db);
  const tables = new Map<string, string[]>();
  for (const { table_name, column_name } of rows) {
    tables.set(table_name, [...(tables.get(table_name) ?? []), column_name]);
  }
  return tables;
}
