import type { Session, SessionInsert, SessionsAdapter } from "@authhero/adapter-interfaces";
import { doc, text, time } from "./columns.ts";
import { crud, decoded, insertRow, newRow, rowsOf, updateOf } from "./crud.ts";
import { entity } from "./entity.ts";
import { bump, latestOf } from "./login-sessions.ts";
import type { Store } from "./store.ts";

/** A signed-in browser. The caller makes its id. */
export const sessions = entity<Session, SessionInsert>({
  table: "sessions",
  key: "id",
  columns: {
    id: text(),
    user_id: text(),
    login_session_id: text(),
    expires_at: time(),
    idle_expires_at: time(),
    authenticated_at: time(),
    last_interaction_at: time(),
    used_at: time(),
    revoked_at: time(),
    created_at: time(),
    updated_at: time(),
    device: doc(),
    clients: doc(),
  },
  defaults: (_input, { now }) => ({ authenticated_at: now, last_interaction_at: now }),
  filters: { fields: { id: "text", user_id: "text", login_session_id: "text" } },
  sortable: ["id", "user_id", "created_at", "updated_at", "last_interaction_at", "expires_at"],
  cascade: [["login_sessions", "session_id"]],
});

/** The `sessions` adapter: a login session lives as long as the session it led to, extended in the same unit. */
export function createSessions(store: Store): SessionsAdapter {
  const { get, list, remove } = crud(store, sessions, { as: "sessions" });
  return {
    get,
    list,
    remove,

    async create(tenantId, input) {
      const row = newRow(store, sessions, tenantId, input);
      const insert = insertRow(store, sessions, row);
      const expiresAt = latestOf(input.expires_at, input.idle_expires_at);
      const parent = input.login_session_id;
      await store.batch(parent && expiresAt ? [insert, bump(store, tenantId, parent, expiresAt)] : [insert]);
      return decoded(store, sessions, tenantId, row);
    },

    async update(tenantId, id, patch) {
      // Never null: every update moves `updated_at`.
      const update = updateOf(store, sessions, tenantId, id, patch);
      if (!update) return false;
      const expiresAt = latestOf(patch.expires_at, patch.idle_expires_at);
      // Behind the update on purpose: the row then names the parent, whether the patch changes it or not.
      const parent = rowsOf(store, sessions, tenantId).select("login_session_id").where("id", "=", id);
      const results = await store.batch(expiresAt ? [update, bump(store, tenantId, parent, expiresAt)] : [update]);
      return (results[0]?.changes ?? 0) > 0;
    },
  };
}
