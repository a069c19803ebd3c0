import type { Grant, GrantInsert, GrantsAdapter } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { plainId } from "../domain/ids.ts";
import { json, text } from "./columns.ts";
import { crud, decoded, deleteFrom, insertRow, newRow, rowsOf } from "./crud.ts";
import { entity, type Row, storedColumns } from "./entity.ts";
import type { Store } from "./store.ts";

/** What a user has allowed an application to do. No audience is '' in the table, so that it is unique like any other. */
export const grants = entity<Grant, GrantInsert>({
  table: "grants",
  key: "id",
  columns: { id: text(), user_id: text(), clientID: text(), audience: text(), scope: json() },
  defaults: () => ({ id: plainId(), scope: [] }),
  filters: {
    fields: {
      id: "text",
      user_id: "text",
      clientID: "text",
      client_id: { as: "text", expression: sql.ref("clientID") },
      audience: "text",
    },
  },
  sortable: ["user_id", "clientID", "audience"],
});

/** The scopes of both, each once, in the order they were first given. */
const union = sql`(
  select json_group_array(value) from (
    select value, min(place) as place from (
      select value, key as place from json_each(grants.scope)
      union all
      select value, json_array_length(grants.scope) + key from json_each(excluded.scope)
    ) group by value order by place
  )
)`;

/** The `grants` adapter. Consent that is given again adds to what there is, in one statement. */
export function createGrants(store: Store): GrantsAdapter {
  const { list, remove } = crud(store, grants, { as: "grants" });
  const shown = (tenantId: string, row: Row) => withoutEmptyAudience(decoded(store, grants, tenantId, row));
  return {
    remove,

    async create(tenantId, grant) {
      const row = newRow(store, grants, tenantId, { ...grant, scope: [...new Set(grant.scope)] });
      const stored = await insertRow(store, grants, row)
        .onConflict((conflict) =>
          conflict.columns(["tenant_id", "user_id", "clientID", "audience"]).doUpdateSet({ scope: union }),
        )
        .returning(storedColumns(grants))
        .executeTakeFirstOrThrow();
      return shown(tenantId, stored);
    },

    async get(tenantId, userId, clientId, audience = "") {
      const row = await rowsOf(store, grants, tenantId)
        .select(storedColumns(grants))
        .where("user_id", "=", userId)
        .where("clientID", "=", clientId)
        .where("audience", "=", audience)
        .executeTakeFirst();
      return row ? shown(tenantId, row) : null;
    },

    async list(tenantId, params) {
      const page = await list(tenantId, params);
      return { ...page, grants: page.grants.map(withoutEmptyAudience) };
    },

    async removeByUser(tenantId, userId) {
      const { numDeletedRows } = await deleteFrom(
        store,
        grants.table,
        tenantId,
        "user_id",
        userId,
      ).executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
  };
}

function withoutEmptyAudience({ audience, ...grant }: Grant): Grant {
  return audience ? { ...grant, audience } : grant;
}
