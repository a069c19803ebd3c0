import type { ScimToken, ScimTokenInsert, ScimTokensAdapter } from "@authhero/adapter-interfaces";
import { doc, text, time } from "./columns.ts";
import { arrayOf, crud, getRow } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** What a provisioning client shows. The caller makes id and hash. */
export const scimTokens = entity<ScimToken, ScimTokenInsert>({
  table: "scim_tokens",
  key: "token_id",
  columns: {
    token_id: text(),
    connection_id: text(),
    token_hash: text(),
    valid_until: time(),
    last_used_at: time(),
    created_at: time(),
    scopes: doc(),
  },
  absent: () => ({ scopes: [] }),
  order: [["created_at", "asc"]],
});

/** The `scimTokens` adapter. A token is good for many uses: `markUsed` only keeps the time of the last. */
export function createScimTokens(store: Store): ScimTokensAdapter {
  const { create, get, update, remove } = crud(store, scimTokens, { as: "scim_tokens" });
  return {
    get,
    remove,
    create: (tenantId, token) => create(tenantId, token),
    getByHash: (tenantId, hash) => getRow(store, scimTokens, tenantId, hash, "token_hash"),
    listByConnection: (tenantId, connectionId) =>
      arrayOf(store, scimTokens, tenantId, (rows) => rows.where("connection_id", "=", connectionId)),
    markUsed: (tenantId, id, last_used_at) => update(tenantId, id, { last_used_at }),
  };
}
