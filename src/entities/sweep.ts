import { sql } from "kysely";
import type { Rows } from "./page.ts";
import type { Store } from "./store.ts";

// Small enough that other writers of the database get their turn between two chunks.
const CHUNK_ROWS = 500;

/**
 * Deletes every row that matches, a bounded chunk at a time; returns how many. libSQL has no DELETE … LIMIT, hence
 * the row ids. A failure is the caller's to hear: what was deleted before it stays deleted.
 */
export async function sweep(store: Store, table: string, narrow: (rows: Rows) => Rows): Promise<number> {
  let swept = 0;
  for (;;) {
    const chunk = narrow(store.db.selectFrom(table)).select(sql.ref("rowid").as("rowid")).limit(CHUNK_ROWS);
    const { numDeletedRows } = await store.db.deleteFrom(table).where("rowid", "in", chunk).executeTakeFirstOrThrow();
    swept += Number(numDeletedRows);
    if (numDeletedRows < CHUNK_ROWS) return swept;
  }
}
