import type {
  ClientRegistrationToken,
  ClientRegistrationTokenInsert,
  ClientRegistrationTokensAdapter,
} from "@authhero/adapter-interfaces";
import { doc, flag, text, time } from "./columns.ts";
import { arrayOf, crud, getRow } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** What dynamic client registration asks for (RFC 7591, RFC 7592). The caller makes id and hash. */
export const clientRegistrationTokens = entity<ClientRegistrationToken, ClientRegistrationTokenInsert>({
  table: "client_registration_tokens",
  key: "id",
  columns: {
    id: text(),
    token_hash: text(),
    type: text(),
    client_id: text(),
    single_use: flag(),
    expires_at: time(),
    used_at: time(),
    revoked_at: time(),
    created_at: time(),
    sub: doc(),
    constraints: doc(),
  },
  defaults: () => ({ single_use: false }),
  order: [["created_at", "desc"]],
});

/** The `clientRegistrationTokens` adapter. A token is used once and revoked once, however many ask. */
export function createClientRegistrationTokens(store: Store): ClientRegistrationTokensAdapter {
  const { create, get, remove } = crud(store, clientRegistrationTokens, { as: "tokens" });

  /** Sets a time where there is none yet; returns in how many rows. */
  const stamp = async (
    tenantId: string,
    column: "used_at" | "revoked_at",
    by: "id" | "client_id",
    value: string,
    at: string,
  ) => {
    const { numUpdatedRows } = await store.db
      .updateTable(clientRegistrationTokens.table)
      .set({ [column]: Date.parse(at) })
      .where("tenant_id", "=", tenantId)
      .where(by, "=", value)
      .where(column, "is", null)
      .executeTakeFirstOrThrow();
    return Number(numUpdatedRows);
  };

  return {
    get,
    remove,
    create: (tenantId, token) => create(tenantId, token),
    getByHash: (tenantId, hash) => getRow(store, clientRegistrationTokens, tenantId, hash, "token_hash"),
    listByClient: (tenantId, clientId) =>
      arrayOf(store, clientRegistrationTokens, tenantId, (rows) => rows.where("client_id", "=", clientId)),
    markUsed: async (tenantId, id, usedAt) => (await stamp(tenantId, "used_at", "id", id, usedAt)) > 0,
    revoke: async (tenantId, id, revokedAt) => (await stamp(tenantId, "revoked_at", "id", id, revokedAt)) > 0,
    revokeByClient: (tenantId, clientId, revokedAt) => stamp(tenantId, "revoked_at", "client_id", clientId, revokedAt),
  };
}
