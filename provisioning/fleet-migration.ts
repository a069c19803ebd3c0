import { SERVED } from "../src/domain/tenants.ts";
import type { FleetJob } from "./fleet.ts";
import { openOwned, type Providers } from "./ownership.ts";
import type { Placement } from "./placements.ts";
import type { Registry } from "./registry.ts";
import type { Template } from "./template.ts";

/** One in a hundred databases may be lost or locked; more than that is the migration's fault. */
const ERROR_BUDGET = 0.01;

export interface MigrationJobOptions {
  readonly registry: Pick<Registry, "recordSchema">;
  readonly providers: Providers;
  /** Its migrations, and the hash of them that databases are brought to. */
  readonly template: Pick<Template, "schemaVersion" | "migrate">;
}

/**
 * The job that brings every served tenant's database to the schema that new ones get. The others are migrated when
 * they are opened. A database that newer code has changed in a breaking way fails with `schema_too_new`.
 */
export function createMigrationJob({ registry, providers, template }: MigrationJobOptions): FleetJob {
  const { schemaVersion, migrate } = template;
  return {
    kind: "migrate",
    target: schemaVersion,
    errorBudget: ERROR_BUDGET,

    skips({ state, location, schemaVersion: has }: Placement) {
      if (!SERVED.includes(state)) return "not_served";
      // The control plane's own placement has none: it is migrated at the start.
      if (!location) return "no_database";
      return has === schemaVersion ? "up_to_date" : null;
    },

    async work(placement) {
      const database = await openOwned(providers, placement);
      try {
        await migrate(database);
      } finally {
        await database.close();
      }
      // Not the location: a rotation may have recorded another one meanwhile.
      await registry.recordSchema(placement, schemaVersion);
    },
  };
}
