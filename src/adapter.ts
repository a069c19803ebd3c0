import type { DataAdapters } from "@authhero/adapter-interfaces";
import * as z from "zod";
import type { Database } from "./db/database.ts";
import { type Applied, migrate } from "./db/migrate.ts";
import { inRounds } from "./db/rounds.ts";
import type { KeyRing } from "./db/seal.ts";
import { noteMaking, openSource, type Source } from "./db/source.ts";
import { type Clock, systemClock } from "./domain/clock.ts";
import { Tag } from "./domain/names.ts";
import { callable, having, requireOptions } from "./domain/options.ts";
import { createDataAdapters } from "./entities/adapters.ts";
import { createStore } from "./entities/store.ts";

export type { Applied } from "./db/migrate.ts";
export { createKeyRing, type KeyRing, parseKeyRing } from "./db/seal.ts";
export type { Source } from "./db/source.ts";

export interface AdapterOptions {
  /** Seals client secrets, credentials and private keys at rest. Without it they are stored as they come. */
  readonly keyRing?: KeyRing;
  /** What ids of login sessions carry in a database of one tenant. Not for a database that many share. */
  readonly tag?: Tag;
  readonly clock?: Clock;
}

const Options = z.strictObject({
  keyRing: having("a key ring: createKeyRing or parseKeyRing", "currentId", "keys").optional(),
  tag: Tag.optional(),
  clock: callable().optional(),
});

/**
 * AuthHero's complete data adapter over one libSQL database, which may hold many tenants.
 *
 * Every failure is a `PlatformError`: duplicates are `conflict` (409), what cannot be reached is `unavailable` (503).
 * Bring the database up to date with `migrateToLatest` first. Throws `invalid` (`invalid_options`).
 */
export function createAdapters(source: Source, options: AdapterOptions = {}): DataAdapters {
  requireOptions("createAdapters", Options, options);
  const { clock = systemClock, keyRing, tag } = options;
  const adapters = createDataAdapters(createStore(databaseOf(source), { clock, keyRing, tag }));
  return noteMaking(adapters, { source, keyRing });
}

/**
 * Brings a database to the newest schema and returns what it applied. Several processes may do it at once.
 * Throws `invalid` (`migration_changed`) or `unavailable` (`schema_too_new`) for a database that is not ours to change.
 */
export const migrateToLatest = (source: Source): Promise<Applied[]> =>
  migrate(databaseOf(source), ["tenant", "shared"]);

const databaseOf = (source: Source): Database =>
  "selectFrom" in source ? openSource(source) : inRounds(openSource(source));
