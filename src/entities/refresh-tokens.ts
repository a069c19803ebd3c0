import type { RefreshToken, RefreshTokenInsert, RefreshTokensAdapter } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { doc, flag, text, time } from "./columns.ts";
import { crud, decoded, getRow, insertRow, newRow } from "./crud.ts";
import { encodePatch, entity, placeOf } from "./entity.ts";
import { bump, latestOf } from "./login-sessions.ts";
import type { Store } from "./store.ts";
import { endedBeforeBirth, endTokens } from "./token-ends.ts";

/** A refresh token: the public half it is looked up by, and the hash of its secret half. The caller makes its id. */
export const refreshTokens = entity<RefreshToken, RefreshTokenInsert>({
  table: "refresh_tokens",
  key: "id",
  columns: {
    id: text(),
    login_id: text(),
    user_id: text(),
    client_id: text(),
    token_lookup: text(),
    token_hash: text(),
    family_id: text(),
    rotating: flag(),
    rotated_to: text(),
    rotated_at: time(),
    expires_at: time(),
    idle_expires_at: time(),
    last_exchanged_at: time(),
    revoked_at: time(),
    created_at: time(),
    device: doc(),
    resource_servers: doc(),
  },
  filters: { fields: { id: "text", user_id: "text", client_id: "text", login_id: "text", family_id: "text" } },
  sortable: ["id", "user_id", "client_id", "created_at", "last_exchanged_at", "expires_at"],
});

/** The `refreshTokens` adapter: login sessions are extended in the same unit, revocations count what they changed. */
export function createRefreshTokens(store: Store): RefreshTokensAdapter {
  const { get, list, remove } = crud(store, refreshTokens, { as: "refresh_tokens" });

  return {
    get,
    list,
    remove,
    getByLookup: (tenantId, lookup) => getRow(store, refreshTokens, tenantId, lookup, "token_lookup"),

    async revokeByLoginSession(tenantId, loginId, revokedAt) {
      const [revoked] = await store.batch(endTokens(store, tenantId, loginId, Date.parse(revokedAt)));
      return revoked?.changes ?? 0;
    },

    async revokeFamily(tenantId, familyId, revokedAt) {
      const { numUpdatedRows } = await store.db
        .updateTable(refreshTokens.table)
        .set({ revoked_at: Date.parse(revokedAt) })
        .where("tenant_id", "=", tenantId)
        .where("family_id", "=", familyId)
        .where("revoked_at", "is", null)
        .executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },

    async create(tenantId, input) {
      const row = newRow(store, refreshTokens, tenantId, input);
      const ended = { revoked_at: endedBeforeBirth(store, tenantId, input.login_id) };
      const insert = insertRow(store, refreshTokens, { ...ended, ...row });
      const expiresAt = latestOf(input.expires_at, input.idle_expires_at);
      await store.batch(expiresAt ? [insert, bump(store, tenantId, input.login_id, expiresAt)] : [insert]);
      return decoded(store, refreshTokens, tenantId, row);
    },

    async update(tenantId, id, { id: _id, created_at: _created, rotated_at, ...patch }, options) {
      const changes = {
        ...encodePatch(refreshTokens, patch, placeOf(refreshTokens, tenantId, store.keyRing)),
        ...(rotated_at && firstRotation(rotated_at)),
      };
      const update = store.db
        .updateTable(refreshTokens.table)
        // With nothing to change, whether there is such a row is still the question.
        .set(Object.keys(changes).length > 0 ? changes : { id })
        .where("tenant_id", "=", tenantId)
        .where("id", "=", id);
      const { login_id = "", expires_at } = options?.loginSessionBump ?? {};
      const expiresAt = latestOf(expires_at);
      const results = await store.batch(expiresAt ? [update, bump(store, tenantId, login_id, expiresAt)] : [update]);
      return (results[0]?.changes ?? 0) > 0;
    },
  };
}

/** The leeway for parallel refreshes counts from the first rotation: a second one must not move it. */
const firstRotation = (rotatedAt: string) => ({
  rotated_at: sql`coalesce(rotated_at, ${Date.parse(rotatedAt)})`,
});
