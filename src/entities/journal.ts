import type { CreateOptions, ListParams } from "@authhero/adapter-interfaces";
import { crud, cutoffOf, type Listing } from "./crud.ts";
import type { Definition } from "./entity.ts";
import type { Store } from "./store.ts";
import { sweep } from "./sweep.ts";

/** Rows that are appended and read, never changed, and swept when they are old: logs, executions. */
export function journal<E extends object, I extends object, C extends string>(
  store: Store,
  entity: Definition<E, I>,
  listing: Listing<C>,
) {
  const { create, get, list } = crud(store, entity, listing);
  return {
    create: (tenantId: string, input: I, options?: CreateOptions) => create(tenantId, input, options),
    get: (tenantId: string, id: string) => get(tenantId, id),
    list: (tenantId: string, params?: ListParams) => list(tenantId, params),

    /** Deletes what was made before `olderThan` (ISO 8601), of every tenant here. Throws `invalid` (`invalid_date`). */
    cleanup: (olderThan: string): Promise<number> => {
      const cutoff = cutoffOf(olderThan);
      return sweep(store, entity.table, (rows) => rows.where("created_at", "<", cutoff));
    },
  };
}
