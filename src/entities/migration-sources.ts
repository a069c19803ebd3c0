import type { MigrationSource, MigrationSourceInsert, MigrationSourcesAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, flag, secretJson, text, time } from "./columns.ts";
import { arrayOf, crud } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** Other identity providers whose refresh tokens are taken over as they come. */
export const migrationSources = entity<MigrationSource, MigrationSourceInsert>({
  table: "migration_sources",
  key: "id",
  columns: {
    id: text(),
    name: text(),
    provider: text(),
    enabled: flag(),
    credentials: secretJson(),
    created_at: time(),
    updated_at: time(),
    connection: doc(),
  },
  defaults: () => ({ id: `mig_${plainId()}`, enabled: true }),
  order: [["created_at", "asc"]],
});

/** The `migrationSources` adapter. */
export function createMigrationSources(store: Store): MigrationSourcesAdapter {
  const { create, get, update, remove } = crud(store, migrationSources, { as: "migration_sources" });
  return { create, get, update, remove, list: (tenantId) => arrayOf(store, migrationSources, tenantId) };
}
