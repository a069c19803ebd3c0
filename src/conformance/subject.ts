import { Kysely, sql } from "kysely";
import type { DatabaseProvider, Location } from "../../provisioning/providers/provider.ts";
import type { DatabaseName } from "../domain/names.ts";

/** What a clause gets: a provider, names nobody uses, and a second instance that reaches the same place. */
export interface Subject {
  readonly provider: DatabaseProvider;
  readonly name: DatabaseName;
  readonly other: DatabaseName;
  again(): Promise<DatabaseProvider>;
}

async function using<T>(
  provider: DatabaseProvider,
  name: DatabaseName,
  location: Location,
  work: (db: Kysely<unknown>) => Promise<T>,
): Promise<T> {
  const database = await provider.open(name, location);
  try {
    return await work(new Kysely<unknown>({ dialect: database.dialect }));
  } finally {
    await database.close();
  }
}

export function write(provider: DatabaseProvider, name: DatabaseName, location: Location, body: string): Promise<void> {
  return using(provider, name, location, async (db) => {
    await sql`create table if not exists note (body text unique)`.execute(db);
    await sql`insert into note values (${body})`.execute(db);
  });
}

export function notes(provider: DatabaseProvider, name: DatabaseName, location: Location): Promise<string[]> {
  return using(provider, name, location, async (db) => {
    const { rows } = await sql<{ body: string }>`select body from note order by body`.execute(db);
    return rows.map(({ body }) => body);
  });
}

/** What the schema holds. A place may keep tables of its own, whose names then start with `_` or `sqlite_`. */
export function tables(provider: DatabaseProvider, name: DatabaseName, location: Location): Promise<string[]> {
  return using(provider, name, location, async (db) => {
    const { rows } = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(db);
    return rows.map((row) => row.name).filter((table) => !/^(?:_|sqlite_|libsql_)/.test(table));
  });
}

export async function names(provider: DatabaseProvider): Promise<string[]> {
  const found: string[] = [];
  for await (const name of provider.list()) found.push(name);
  return found;
}
