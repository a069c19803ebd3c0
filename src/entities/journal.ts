import { crud, cutoffOf } from "./crud.ts";
import type { Definition } from "./entity.ts";
import type { Store } from "./store.ts";
import { sweep } from "./sweep.ts";

/** Rows that are appended and read by their id, never changed, and swept when they are old. */
export function journal<E extends object, I extends object>(store: Store, entity: Definition<E, I>) {
  const { create, get } = crud(store, entity, { as: "rows" });
  return {
    create,
    get,

    /** Deletes what was made before `olderThan` (ISO 8601), of every tenant here. Throws `invalid` (`invalid_date`). */
    async cleanup(olderThan: string): Promise<number> {
      const cutoff = cutoffOf(olderThan);
      return await sweep(store, entity.table, (rows) => rows.where("created_at", "<", cutoff));
    },
  };
}
