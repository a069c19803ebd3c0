import { type Expression, type SqlBool, sql } from "kysely";
import type { SqlValue } from "../db/database.ts";
import type { Store } from "./store.ts";

/** INSERT of a row that happens only where `condition` holds at that moment: check and write in one statement. */
export function insertWhere(
  store: Store,
  table: string,
  row: Readonly<Record<string, SqlValue>>,
  condition: Expression<SqlBool>,
) {
  const values = Object.entries(row);
  return store.db
    .insertInto(table)
    .columns(values.map(([column]) => column))
    .expression(store.db.selectNoFrom(values.map(([column, value]) => sql.val(value).as(column))).where(condition));
}
