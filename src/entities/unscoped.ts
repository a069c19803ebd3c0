import type { ListParams } from "@authhero/adapter-interfaces";
import { newRow, ordered } from "./crud.ts";
import { type Definition, decodeRow, encodePatch, placeOf, type Row, storedColumns } from "./entity.ts";
import { COUNTERS, offsetOf, type Rows, readPage } from "./page.ts";
import { nowOf, type Store } from "./store.ts";

const all = (rows: Rows): Rows => rows;

/** Rows that no tenant owns and whose id alone finds them: what is done to tenants, seen from outside of them. */
export function unscoped<E extends object, I extends object>(store: Store, entity: Definition<E, I>) {
  const place = placeOf(entity, "", store.keyRing);
  const rowsOf = (narrow: (rows: Rows) => Rows) => narrow(store.db.selectFrom(entity.table));
  const shown = (row: Row) => decodeRow<E>(entity, row, place);

  return {
    async create(input: I): Promise<E> {
      // Here a tenant is a field like any other, and may be missing.
      const { tenant_id, ...fields } = newRow(store, entity, "", input);
      const row = tenant_id ? { tenant_id, ...fields } : fields;
      await store.db.insertInto(entity.table).values(row).execute();
      return shown(row);
    },

    async get(id: string): Promise<E | null> {
      const rows = rowsOf(all).select(storedColumns(entity)).where(entity.key, "=", id);
      const row = await rows.executeTakeFirst();
      return row ? shown(row as Row) : null;
    },

    /** A page by offset, its counters those of the page. */
    async list<C extends string>(as: C, params: ListParams, narrow = all, perPage?: number) {
      const offset = offsetOf(params, perPage);
      const rows = ordered(rowsOf(narrow).select(storedColumns(entity)), entity);
      const page = await readPage(rows, rowsOf(narrow), offset, false);
      const counters = COUNTERS.pageUnlessAsked({ ...offset, rows: page.rows.length, total: page.total });
      return { [as]: page.rows.map(shown), ...counters } as Record<C, E[]> & typeof counters;
    },

    async update(id: string, patch: object): Promise<boolean> {
      const { [entity.key]: _key, created_at: _created, ...changes } = patch as Record<string, unknown>;
      const { numUpdatedRows } = await store.db
        .updateTable(entity.table)
        .set(encodePatch(entity, { ...changes, updated_at: nowOf(store) }, place))
        .where(entity.key, "=", id)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },

    /** With the rows elsewhere that hang on it. */
    async remove(id: string): Promise<boolean> {
      const dependants = (entity.cascade ?? []).map(([table, column]) =>
        store.db.deleteFrom(table).where(column, "=", id),
      );
      const results = await store.batch([...dependants, store.db.deleteFrom(entity.table).where(entity.key, "=", id)]);
      return (results.at(-1)?.changes ?? 0) > 0;
    },
  };
}
