import type { DataAdapters } from "@authhero/adapter-interfaces";
import { createEntities } from "./index.ts";
import type { Store } from "./store.ts";

/** AuthHero's complete data adapter over a store. Inside a transaction it is the same, on that transaction. */
export const createDataAdapters = (store: Store): DataAdapters =>
  Object.assign(createEntities(store), {
    transaction: <T>(work: (inside: DataAdapters) => Promise<T>) =>
      store.transaction((inside) => work(createDataAdapters(inside))),
  });
