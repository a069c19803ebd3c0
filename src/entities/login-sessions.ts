import type { LoginSession, LoginSessionInsert, LoginSessionsAdapter } from "@authhero/adapter-interfaces";
import { type RawBuilder, sql } from "kysely";
import { timeId } from "../domain/ids.ts";
import { doc, json, text, time } from "./columns.ts";
import { decoded, insertRow, newRow, removeRow, updateOf } from "./crud.ts";
import { entity, type Row, storedColumns } from "./entity.ts";
import { nowOf, type Store } from "./store.ts";

// For display and support only; a request object alone can be many times as long.
const AUTHORIZATION_URL_MAX = 1024;

/** One visit to the login pages, from `/authorize` to the redirect back. Its id travels as `state`. */
export const loginSessions = entity<LoginSession, LoginSessionInsert>({
  table: "login_sessions",
  key: "id",
  columns: {
    id: text(),
    session_id: text(),
    user_id: text(),
    state: text(),
    authParams: json(),
    expires_at: time(),
    created_at: time(),
    updated_at: time(),
    csrf_token: doc(),
    auth0Client: doc(),
    deleted_at: doc(),
    ip: doc(),
    useragent: doc(),
    authorization_url: doc(),
    state_data: doc(),
    failure_reason: doc(),
    auth_connection: doc(),
    auth_strategy: doc(),
    authenticated_at: doc(),
  },
});

/**
 * The `loginSessions` adapter. Where the store has a tag, ids are `<tag>~<ULID>`: whoever routes finds the tenant by
 * it, and an id of another tenant, of an earlier life of this one, or of no shape at all costs no statement.
 */
export function createLoginSessions(store: Store): LoginSessionsAdapter {
  const own = store.tag === undefined ? /^/ : new RegExp(`^${store.tag}~[0-9A-HJKMNP-TV-Z]{26}$`);
  return {
    async create(tenantId, session) {
      const ulid = timeId(store.clock());
      const id = store.tag ? `${store.tag}~${ulid}` : ulid;
      const row = newRow(store, loginSessions, tenantId, { state: "pending", ...bounded(session), id });
      await insertRow(store, loginSessions, row).execute();
      return decoded(store, loginSessions, tenantId, row);
    },

    async get(tenantId, id) {
      if (!own.test(id)) return null;
      const row = await store.db
        .selectFrom(loginSessions.table)
        .select(["tenant_id", ...storedColumns(loginSessions)])
        .where("id", "=", id)
        // After a redirect AuthHero does not know the tenant yet.
        .$if(Boolean(tenantId), (rows) => rows.where("tenant_id", "=", tenantId))
        .executeTakeFirst();
      return row ? decoded(store, loginSessions, row.tenant_id, row as Row) : null;
    },

    async update(tenantId, id, { authParams, ...patch }) {
      // Never null: every update moves `updated_at`.
      const update = updateOf(store, loginSessions, tenantId, id, bounded(patch));
      const merged = authParams ? update?.set({ authParams: mergeOf(authParams) }) : update;
      const result = await merged?.executeTakeFirstOrThrow();
      return (result?.numUpdatedRows ?? 0n) > 0n;
    },

    remove: (tenantId, id) => removeRow(store, loginSessions, tenantId, id),
  };
}

const bounded = <S extends Pick<Partial<LoginSession>, "authorization_url">>(session: S): S =>
  session.authorization_url
    ? { ...session, authorization_url: session.authorization_url.slice(0, AUTHORIZATION_URL_MAX) }
    : session;

/** Top-level keys replace, nested values are not merged, null is a value: what `json_patch` would get wrong. */
function mergeOf(authParams: object): RawBuilder<unknown> {
  const changes = Object.entries(authParams)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => sql`, ${`$.${JSON.stringify(key)}`}, json(${JSON.stringify(value)})`);
  return sql`json_set(authParams${sql.join(changes, sql``)})`;
}

/** The latest of the given instants in epoch milliseconds, or null where none is given. */
export function latestOf(...instants: readonly (string | null | undefined)[]): number | null {
  const known = instants.map((instant) => Date.parse(instant ?? "")).filter((instant) => !Number.isNaN(instant));
  return known.length > 0 ? Math.max(...known) : null;
}

/**
 * Lets a login session live as long as what has grown out of it, and never makes it shorter: the sweep would take it
 * away under a session or a token that still needs it.
 */
export const bump = (store: Store, tenantId: string, loginSessionId: unknown, expiresAt: number) =>
  store.db
    .updateTable(loginSessions.table)
    .set({ expires_at: expiresAt, updated_at: Date.parse(nowOf(store)) })
    .where("tenant_id", "=", tenantId)
    .where("id", "=", loginSessionId)
    .where("expires_at", "<", expiresAt);
