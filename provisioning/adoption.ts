import { Kysely } from "kysely";
import type { Database } from "../src/db/database.ts";
import type { TenantState } from "../src/domain/tenants.ts";
import type { RegistryTables } from "./tables.ts";

/** Whether a tenant can be adopted under its id, or has been. */
export type Standing = "free" | "unfinished" | "adopted" | "taken";

/** A tenant that has never been served. */
const ON_THE_WAY: readonly TenantState[] = ["pending", "provisioning", "failed"];
const GONE: readonly TenantState[] = ["deleting", "deleted"];

/** What the registry's own tables say of an id. */
export async function adoptionStanding(database: Database, tenantId: string): Promise<Standing> {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const placement = await db
    .selectFrom("rh_placements")
    .select(["state", "tag"])
    .where("tenant_id", "=", tenantId)
    .executeTakeFirst();
  if (!placement) return "free";
  const adoption = await db
    .selectFrom("rh_operations")
    .select("state")
    .where("tenant_id", "=", tenantId)
    .where("tag", "=", placement.tag)
    .where("kind", "=", "adopt")
    .orderBy("number", "desc")
    .executeTakeFirst();
  if (!adoption || GONE.includes(placement.state)) return "taken";
  if (ON_THE_WAY.includes(placement.state)) return "unfinished";
  return adoption.state === "done" ? "adopted" : "taken";
}
