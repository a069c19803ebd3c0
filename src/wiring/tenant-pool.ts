import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { Providers } from "../../provisioning/ownership.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { createPool } from "../../provisioning/pool.ts";
import type { Registry } from "../../provisioning/registry.ts";
import { createTemplate } from "../../provisioning/template.ts";
import type { Database } from "../db/database.ts";
import { type Migrations, readMigrations, recordedMigrations } from "../db/migrate.ts";
import { inRounds } from "../db/rounds.ts";
import type { KeyRing } from "../db/seal.ts";
import type { Clock } from "../domain/clock.ts";
import { createDataAdapters } from "../entities/adapters.ts";
import { createStore, type Store } from "../entities/store.ts";
import { type Reached, reachedBy } from "../sync/child.ts";

export interface TenantPoolOptions {
  readonly registry: Registry;
  readonly providers: Providers;
  readonly keyRing: KeyRing;
  readonly maxOpen: number;
  /** In milliseconds. */
  readonly idleMs: number;
  readonly clock: Clock;
}

/** The tenants' open databases as adapters, and the template that new ones are copied from. */
export async function createTenantPool({ registry, providers, keyRing, maxOpen, idleMs, clock }: TenantPoolOptions) {
  const migrations = await readMigrations(["tenant"]);
  const storeOf = (opened: Database, { tag }: Placement): Store =>
    createStore(inRounds(opened), { clock, keyRing, tag });
  const stores = new WeakMap<DataAdapters, Store>();
  const storeOfAdapters = (adapters: DataAdapters) => present(stores.get(adapters));
  const reached = new WeakMap<Store, Reached>();
  const openTenant = (opened: Database, placement: Placement): DataAdapters => {
    const store = storeOf(opened, placement);
    const adapters = createDataAdapters(store);
    stores.set(adapters, store);
    return adapters;
  };
  const pool = createPool({
    ...{ registry, providers, maxOpen, idleMs, clock },
    async ask(opened: Database, { tenantId }: Placement) {
      const reading = reachedBy(createStore(opened, { clock }), tenantId).catch(() => undefined);
      return { recorded: await recordedMigrations(opened, "tenant"), found: await reading };
    },
    async openTenant(opened, placement, answer) {
      // A backup may have taken the place of the database that the registry remembers.
      const isCurrent = placement.schemaVersion === migrations.hash && answer?.recorded === migrations.count;
      if (!isCurrent) await bringUpToDate(registry, opened, placement, migrations);
      const adapters = openTenant(opened, placement);
      // Migrations may change how far it has come.
      if (answer?.found && isCurrent) reached.set(storeOfAdapters(adapters), answer.found);
      return adapters;
    },
  });
  const template = createTemplate({ schemaVersion: migrations.hash, migrate: migrations.migrate });
  /** Runs a call on a tenant's open database itself, for what no adapter knows. */
  const onStore = <T>(tenantId: string, call: (store: Store) => Promise<T>): Promise<T> =>
    pool.use(tenantId, (own) => call(storeOfAdapters(own)));
  /** Up to where a tenant had come with what is shared when its database was opened; undefined where nobody knows. */
  const reachedAtOpening = (store: Store) => reached.get(store);
  return { pool, template, openTenant, storeOf, onStore, reachedAtOpening };
}

function present(store: Store | undefined): Store {
  if (!store) throw new TypeError("these adapters were not opened here");
  return store;
}

/** A database that older code has made gets the migrations it lacks before anybody sees it. */
async function bringUpToDate(registry: Registry, opened: Database, placement: Placement, migrations: Migrations) {
  await migrations.migrate(opened);
  if (placement.schemaVersion !== migrations.hash) await registry.recordSchema(placement, migrations.hash);
}
