import { watchedDatabase } from "../../src/db/watched.ts";
import type { Around } from "../../src/domain/around.ts";
import type { DatabaseName } from "../../src/domain/names.ts";
import type { DatabaseProvider } from "./provider.ts";

export interface Watching {
  /** Around the calls of the provider. */
  readonly calls: Around;
  /** Around what goes to a database it has opened. */
  readonly databases: (database: DatabaseName) => Around;
}

/** The same provider with somebody around its calls, and around those of its databases. What it cannot do it still cannot. */
export function watchedProvider(provider: DatabaseProvider, { calls, databases }: Watching): DatabaseProvider {
  const { connect, place, usage, rotateCredentials, backUp, strays, clear } = provider;
  return {
    name: provider.name,
    supports: provider.supports,
    ensure: (database, options) => calls("ensure", () => provider.ensure(database, options)),
    open: async (database, location, current) =>
      watchedDatabase(await calls("open", () => provider.open(database, location, current)), databases(database)),
    ...(connect && {
      connect: (database, location, current) =>
        watchedDatabase(connect.call(provider, database, location, current), databases(database)),
    }),
    retain: (database) => calls("retain", () => provider.retain(database)),
    release: (database) => calls("release", () => provider.release(database)),
    destroy: (database) => calls("destroy", () => provider.destroy(database)),
    list: () => provider.list(),
    ...(place && { place: (wish) => calls("place", () => place.call(provider, wish)) }),
    ...(usage && { usage: (database) => calls("usage", () => usage.call(provider, database)) }),
    ...(rotateCredentials && {
      rotateCredentials: (database) => calls("rotate_credentials", () => rotateCredentials.call(provider, database)),
    }),
    ...(backUp && {
      backUp: (database, file, verify) => calls("back_up", () => backUp.call(provider, database, file, verify)),
    }),
    ...(strays && { strays: () => strays.call(provider) }),
    ...(clear && { clear: (stray) => calls("clear", () => clear.call(provider, stray)) }),
  };
}
