import type { DataAdapters } from "@authhero/adapter-interfaces";
import { createEntities } from "./index.ts";
import type { Store } from "./store.ts";

/** AuthHero's complete data adapter over a store. Inside a transaction it is the same, on that transaction. */
export function createDataAdapters(store: Store): DataAdapters {
  return {
    ...createEntities(store),
    transaction: (work) => store.transaction((inside) => work(createDataAdapters(inside))),
  };
}
