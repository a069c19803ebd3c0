import type { ActionVersion, ActionVersionInsert, ActionVersionsAdapter } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import { prefixedId } from "../domain/ids.ts";
import { doc, flag, integer, secretJson, text, time } from "./columns.ts";
import { decoded, deleteFrom, insertRow, listRows, newRow, rowsOf } from "./crud.ts";
import { entity, type Row, storedColumns } from "./entity.ts";
import { nowOf, type Store } from "./store.ts";

/** Every state in which an action was deployed, numbered from 1. */
export const actionVersions = entity<ActionVersion, ActionVersionInsert>({
  table: "action_versions",
  key: "id",
  columns: {
    id: text(),
    action_id: text(),
    number: integer(),
    deployed: flag(),
    secrets: secretJson(),
    created_at: time(),
    updated_at: time(),
    code: doc(),
    runtime: doc(),
    dependencies: doc(),
    supported_triggers: doc(),
  },
  showsTenant: true,
  defaults: () => ({ id: prefixedId("ver"), deployed: true }),
  order: [["number", "desc"]],
});

/** The `actionVersions` adapter. Of an action's versions one at most is deployed: the last that was made so. */
export function createActionVersions(store: Store): ActionVersionsAdapter {
  const versionsOf = (tenantId: string, actionId: string) =>
    rowsOf(store, actionVersions, tenantId).where("action_id", "=", actionId);

  return {
    async create(tenantId, version, options) {
      const row = newRow(store, actionVersions, tenantId, version, options);
      const last = versionsOf(tenantId, version.action_id).select(sql`coalesce(max(number), 0) + 1`.as("next"));
      const insert = insertRow(store, actionVersions, { ...row, number: last }).returning(
        storedColumns(actionVersions),
      );
      const retire = store.db
        .updateTable(actionVersions.table)
        // An import tells a story: those that were there before have not changed today.
        .set({ deployed: 0, ...(!options?.importMetadata && { updated_at: Date.parse(nowOf(store)) }) })
        .where("tenant_id", "=", tenantId)
        .where("action_id", "=", version.action_id)
        .where("deployed", "=", 1);
      const results = await store.batch(version.deployed === false ? [insert] : [retire, insert]);
      return decoded(store, actionVersions, tenantId, theRow(results.at(-1)?.rows));
    },

    async get(tenantId, actionId, versionId) {
      const row = await versionsOf(tenantId, actionId)
        .select(storedColumns(actionVersions))
        .where("id", "=", versionId)
        .executeTakeFirst();
      return row ? decoded(store, actionVersions, tenantId, row) : null;
    },

    list: (tenantId, actionId, params = {}) =>
      listRows(store, actionVersions, { as: "versions" }, tenantId, params, (rows) =>
        rows.where("action_id", "=", actionId),
      ),

    async removeForAction(tenantId, actionId) {
      const { numDeletedRows } = await deleteFrom(
        store,
        actionVersions.table,
        tenantId,
        "action_id",
        actionId,
      ).executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

function theRow([row]: readonly Row[] = []): Row {
  if (row) return row;
  throw new PlatformError("internal", "no_row_returned", "An INSERT with RETURNING returned nothing");
}
