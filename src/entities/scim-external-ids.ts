import type { ScimExternalId, ScimExternalIdInsert, ScimExternalIdsAdapter } from "@authhero/adapter-interfaces";
import { text, time } from "./columns.ts";
import { crud, decoded, deleteFrom, rowsOf } from "./crud.ts";
import { entity, storedColumns } from "./entity.ts";
import type { Store } from "./store.ts";

/** Whom a provisioning client means by its own id: one user per id and one id per user, within a connection. */
export const scimExternalIds = entity<ScimExternalId, ScimExternalIdInsert>({
  table: "scim_external_ids",
  key: "user_id",
  columns: { connection_id: text(), user_id: text(), external_id: text(), created_at: time() },
});

/** The `scimExternalIds` adapter. */
export function createScimExternalIds(store: Store): ScimExternalIdsAdapter {
  const { create } = crud(store, scimExternalIds, { as: "scim_external_ids" });

  const find = async (tenantId: string, connectionId: string, by: "external_id" | "user_id", value: string) => {
    const row = await rowsOf(store, scimExternalIds, tenantId)
      .select(storedColumns(scimExternalIds))
      .where("connection_id", "=", connectionId)
      .where(by, "=", value)
      .executeTakeFirst();
    return row ? decoded(store, scimExternalIds, tenantId, row) : null;
  };

  return {
    create: (tenantId, externalId) => create(tenantId, externalId),
    getByExternalId: (tenantId, connectionId, externalId) => find(tenantId, connectionId, "external_id", externalId),
    getByUserId: (tenantId, connectionId, userId) => find(tenantId, connectionId, "user_id", userId),

    async remove(tenantId, connectionId, userId) {
      const { numDeletedRows } = await deleteFrom(store, scimExternalIds.table, tenantId, "user_id", userId)
        .where("connection_id", "=", connectionId)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
  };
}
