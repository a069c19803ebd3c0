import { Kysely, sql } from "kysely";
import type { Database } from "../src/db/database.ts";
import type { Census } from "../src/metrics/metrics.ts";
import type { RegistryTables } from "./tables.ts";

/**
 * Counts what the control plane knows, for whoever watches: unfinished work through its own indexes, tenants by one
 * pass over their placements. Nobody waits for it but a scrape. `head`: the version of what is shared, null for nothing.
 */
export async function readCensus(database: Database, own: string, head: number | null): Promise<Census> {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const count = sql<number>`count(*)`.as("count");
  const tenants = db.selectFrom("rh_placements").where("tenant_id", "!=", own);
  const behind = tenants.where("state", "=", "ready").where("synced_version", "<", head ?? 0);
  const [byState, operations, jobs, processes, late] = await Promise.all([
    tenants.select(["state", count]).groupBy("state").execute(),
    db
      .selectFrom("rh_operations")
      .select(["kind", "state", count])
      .where("state", "in", ["running", "failed"])
      .groupBy(["kind", "state"])
      .execute(),
    sql<{
      kind: string;
      count: number;
    }>`select kind, count(*) as count from rh_fleet_jobs where state = 'running' group by kind`.execute(db),
    db.selectFrom("rh_processes").select(count).executeTakeFirstOrThrow(),
    behind
      .select([count, sql<number | null>`max(${head ?? 0} - synced_version)`.as("versions")])
      .executeTakeFirstOrThrow(),
  ]);
  return {
    tenants: byState.map(({ state, count }) => ({ labels: { state }, count })),
    operations: operations.map(({ kind, state, count }) => ({ labels: { kind, state }, count })),
    fleetJobs: jobs.rows.map(({ kind, count }) => ({ labels: { kind }, count })),
    processes: processes.count,
    tenantsBehind: late.count,
    versionsBehind: late.versions ?? 0,
  };
}
