import { type Kysely, sql } from "kysely";
import type { RegistryTables } from "./tables.ts";

/** Up to which version of what is shared tenants have come; the epochs of those that have changed are raised. */
export async function recordSynced(
  db: Kysely<RegistryTables>,
  version: number,
  tenantIds: readonly string[],
  changed: readonly string[],
): Promise<void> {
  await db
    .updateTable("rh_placements")
    .set({ synced_version: version })
    .where(isAmong(tenantIds))
    .where("synced_version", "!=", version)
    .execute();
  if (changed.length === 0) return;
  await db
    .updateTable("rh_placements")
    .set((row) => ({ epoch: row("epoch", "+", 1) }))
    .where(isAmong(changed))
    .execute();
}

const isAmong = (tenantIds: readonly string[]) =>
  sql<boolean>`tenant_id in (select value from json_each(${JSON.stringify(tenantIds)}))`;
