import { Kysely } from "kysely";
import type { Database } from "../src/db/database.ts";
import { type Standing, toStanding } from "./placements.ts";
import type { RegistryTables } from "./tables.ts";

/** How a tenant stands in a control plane that somebody only looks at; null when there is no such tenant. */
export async function readStanding({ dialect }: Database, tenantId: string): Promise<Standing | null> {
  const db = new Kysely<RegistryTables>({ dialect });
  const row = await db.selectFrom("rh_placements").selectAll().where("tenant_id", "=", tenantId).executeTakeFirst();
  return row ? toStanding(row) : null;
}
