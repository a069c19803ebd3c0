import type { Store } from "../entities/store.ts";
import type { Kind } from "./kinds.ts";

/** The id on the control plane of what a tenant has from there under an id of its own; null for what is the tenant's. */
export async function originOf(store: Store, tenantId: string, kind: Kind, localId: string): Promise<string | null> {
  const row = await store.db
    .selectFrom("synced_entities")
    .select("origin_id")
    .where("tenant_id", "=", tenantId)
    .where("entity", "=", kind)
    .where("local_id", "=", localId)
    .executeTakeFirst();
  return row ? String(row.origin_id) : null;
}
