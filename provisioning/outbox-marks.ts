import type { Kysely } from "kysely";
import type { Clock } from "../src/domain/clock.ts";
import type { RegistryTables } from "./tables.ts";

const PAGE_ROWS_MAX = 100;

export interface OutboxMark {
  readonly tenantId: string;
  /** When it was set (ISO 8601). */
  readonly since: string;
}

/**
 * Which tenants have something in their outbox, so that the relay need not open every database. A lost mark delays
 * a delivery and loses nothing: the retention job looks into every outbox.
 */
export function createOutboxMarks(db: Kysely<RegistryTables>, clock: Clock) {
  return {
    /** Beside the first write to an empty outbox. A mark that is there stays as it is. */
    async set(tenantId: string): Promise<void> {
      await db
        .updateTable("rh_placements")
        .set({ outbox_pending_since: clock().toISOString() })
        .where("tenant_id", "=", tenantId)
        .where("outbox_pending_since", "is", null)
        .execute();
    },

    /** When the outbox was found empty, and only if the mark is still the one that led there. */
    async clear({ tenantId, since }: OutboxMark): Promise<void> {
      await db
        .updateTable("rh_placements")
        .set({ outbox_pending_since: null })
        .where("tenant_id", "=", tenantId)
        .where("outbox_pending_since", "=", since)
        .execute();
    },

    /** The marks, oldest first; at most 100. */
    async list(take = PAGE_ROWS_MAX): Promise<readonly OutboxMark[]> {
      const rows = await db
        .selectFrom("rh_placements")
        .select(["tenant_id", "outbox_pending_since"])
        .where("outbox_pending_since", "is not", null)
        .orderBy("outbox_pending_since")
        .limit(Math.min(take, PAGE_ROWS_MAX))
        .execute();
      return rows.map((row) => ({ tenantId: row.tenant_id, since: row.outbox_pending_since ?? "" }));
    },
  };
}
