import type { Column } from "./columns.ts";
import { deleteFrom, rowsOf } from "./crud.ts";
import { decodeRow, type Entity, encodePatch, encodeRow, placeOf, type Shape, storedColumns } from "./entity.ts";
import type { Store } from "./store.ts";

/** What sets one singleton apart: its `kind` is its key in the table they share. */
export interface Singleton<E extends object> extends Pick<Entity<E>, "columns" | "absent"> {
  readonly kind: string;
  /** What a first `set` fills in where the caller says nothing. */
  readonly first?: Partial<E>;
}

const table = "tenant_singletons";

/** One value per tenant: get, set (merging what is given into what is there), remove. */
export function singleton<E extends object>(store: Store, definition: Singleton<E>) {
  // The same promise as in `entity()`: the compiler has checked the columns against `E` where they were written.
  const columns = definition.columns as Readonly<Record<string, Column<unknown>>>;
  const shape: Shape = { table, columns, ...(definition.absent && { absent: definition.absent }) };
  const placed = (tenantId: string) => placeOf({ table: `${table}.${definition.kind}` }, tenantId, store.keyRing);

  return {
    async get(tenantId: string): Promise<E | null> {
      const row = await rowsOf(store, shape, tenantId)
        .select(storedColumns(shape))
        .where("kind", "=", definition.kind)
        .executeTakeFirst();
      return row ? decodeRow<E>(shape, row, placed(tenantId)) : null;
    },

    /** One statement, whether there is a row or not. Undefined leaves a field alone, null clears it. */
    async set(tenantId: string, value: Partial<E>): Promise<void> {
      const row = encodeRow(shape, { ...definition.first, ...withoutUndefined(value) }, placed(tenantId));
      const change = encodePatch(shape, value, placed(tenantId));
      await store.db
        .insertInto(table)
        .values({ tenant_id: tenantId, kind: definition.kind, ...row })
        .onConflict((conflict) => {
          const same = conflict.columns(["tenant_id", "kind"]);
          return Object.keys(change).length > 0 ? same.doUpdateSet(change) : same.doNothing();
        })
        .execute();
    },

    async remove(tenantId: string): Promise<boolean> {
      const result = await deleteFrom(store, table, tenantId, "kind", definition.kind).executeTakeFirstOrThrow();
      return result.numDeletedRows > 0n;
    },
  };
}

const withoutUndefined = (value: object) =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
