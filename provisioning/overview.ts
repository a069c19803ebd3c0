import { Kysely, sql } from "kysely";
import type { Database } from "../src/db/database.ts";
import { SERVED, type TenantState } from "../src/domain/tenants.ts";
import type { FleetTables } from "./fleet-journal.ts";
import type { RegistryTables } from "./tables.ts";

/** How a house is, in numbers. */
export interface Overview {
  /** Tenants by state; the control plane is one, as in `GET /tenants`. */
  readonly tenants: Partial<Record<TenantState, number>>;
  /** Served tenants whose database has another schema than it should. */
  readonly behind: number;
  /** Operations on single tenants that are not over. */
  readonly operations: { readonly running: number; readonly failed: number };
  /** The kinds of jobs over many tenants that are not over. */
  readonly jobs: readonly string[];
}

export interface OverviewOptions {
  readonly database: Database;
  /** What tenants' databases should have. */
  readonly schemaVersion: string;
}

/** Counts; only columns that were there from the beginning, so that an older control plane can be looked at. */
export async function readOverview(options: OverviewOptions): Promise<Overview> {
  const { database, schemaVersion } = options;
  const db = new Kysely<RegistryTables & FleetTables>({ dialect: database.dialect });
  const placements = db.selectFrom("rh_placements");
  const count = sql<number>`count(*)`.as("count");
  const [states, behind, operations, jobs] = await Promise.all([
    placements.select(["state", count]).groupBy("state").orderBy("state").execute(),
    placements
      .select(count)
      .where("state", "in", SERVED)
      // The control plane's own has none: it is migrated at the start.
      .where("schema_version", "!=", schemaVersion)
      .executeTakeFirstOrThrow(),
    db.selectFrom("rh_operations").select(["state", count]).groupBy("state").execute(),
    db.selectFrom("rh_fleet_jobs").select("kind").where("state", "=", "running").orderBy("kind").execute(),
  ]);
  const operationsIn = (state: string) => operations.find((row) => row.state === state)?.count ?? 0;
  return {
    tenants: Object.fromEntries(states.map((row) => [row.state, row.count])),
    behind: behind.count,
    operations: { running: operationsIn("running"), failed: operationsIn("failed") },
    jobs: jobs.map(({ kind }) => kind),
  };
}
