import type { Kysely } from "kysely";
import type { Statement } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { RegistryTables } from "./tables.ts";

/** More tenants than this with one client id say no more than two do: it is ambiguous. */
const CANDIDATES_MAX = 10;

/** Where clients and states that name no tenant are looked up. */
export function createDirectories(db: Kysely<RegistryTables>, clock: Clock) {
  return {
    /** Before the client itself is written. Repeating it is harmless, and so is a row whose client never came. */
    async addClient(tenantId: string, clientId: string): Promise<void> {
      const added_at = clock().toISOString();
      await db
        .insertInto("rh_client_directory")
        .values({ tenant_id: tenantId, client_id: clientId, added_at })
        // A leftover is new again: nobody may take it for one any more.
        .onConflict((row) => row.columns(["client_id", "tenant_id"]).doUpdateSet({ added_at }))
        .execute();
    },

    /** After the client itself is gone. */
    async removeClient(tenantId: string, clientId: string): Promise<void> {
      await db
        .deleteFrom("rh_client_directory")
        .where("tenant_id", "=", tenantId)
        .where("client_id", "=", clientId)
        .execute();
    },

    /** The tenants that may have a client of that id, at most `CANDIDATES_MAX` of them. Deleted ones have nothing. */
    async tenantsOfClient(clientId: string): Promise<readonly string[]> {
      const rows = await db
        .selectFrom("rh_client_directory")
        .select("tenant_id")
        .where("client_id", "=", clientId)
        .where("tenant_id", "not in", deletedTenants(db))
        .orderBy("tenant_id")
        .limit(CANDIDATES_MAX)
        .execute();
      return rows.map((row) => row.tenant_id);
    },

    /**
     * Remembers whose a state is until it expires (ISO 8601). A state that already leads elsewhere stays where it
     * is: `conflict` (`state_taken`).
     */
    async addState(tenantId: string, state: string, expiresAt: string): Promise<void> {
      const { numInsertedOrUpdatedRows = 0n } = await db
        .insertInto("rh_state_directory")
        .values({ id: state, tenant_id: tenantId, expires_at: expiresAt })
        .onConflict((row) =>
          row.column("id").doUpdateSet({ expires_at: expiresAt }).where("rh_state_directory.tenant_id", "=", tenantId),
        )
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows > 0n) return;
      throw new PlatformError("conflict", "state_taken", "This state belongs to another tenant");
    },

    /** Whose the state is; null when it is unknown or has expired. */
    async tenantOfState(state: string): Promise<string | null> {
      const found = await db
        .selectFrom("rh_state_directory")
        .select("tenant_id")
        .where("id", "=", state)
        .where("expires_at", ">", clock().toISOString())
        .where("tenant_id", "not in", deletedTenants(db))
        .executeTakeFirst();
      return found?.tenant_id ?? null;
    },

    /** Removes expired states; returns how many. */
    async sweepStates(): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("rh_state_directory")
        .where("expires_at", "<=", clock().toISOString())
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

/** Their rows stay until they are purged, so that they can be brought back. */
function deletedTenants(db: Kysely<RegistryTables>) {
  return db.selectFrom("rh_placements").select("tenant_id").where("state", "in", ["deleting", "deleted"]);
}

/** Forgets everything the directories know of a tenant: for the batch that removes it. */
export function removeFromDirectories(db: Kysely<RegistryTables>, tenantId: string): readonly Statement[] {
  return [
    db.deleteFrom("rh_client_directory").where("tenant_id", "=", tenantId).compile(),
    db.deleteFrom("rh_state_directory").where("tenant_id", "=", tenantId).compile(),
  ];
}
