import type { Compilable } from "kysely";
import { rarely } from "./rarely.ts";
import type { Store } from "./store.ts";

/** What belongs to one user. Sessions come apart: login sessions may point at them. */
const OWNED = [
  "user_activity",
  "passwords",
  "authentication_methods",
  "user_roles",
  "user_permissions",
  "user_organizations",
  "grants",
  "codes",
  "refresh_tokens",
  "login_sessions",
  "sessions",
  "scim_external_ids",
] as const;

/** The statements that delete a user, the users linked to it, and all that is theirs. The user's own row is last. */
export function userRemoval(store: Store, tenantId: string, userId: string): Compilable[] {
  const rowsIn = (table: string) => store.db.deleteFrom(table).where("tenant_id", "=", tenantId);
  const leaving = store.db
    .selectFrom("users")
    .select("user_id")
    .where("tenant_id", "=", tenantId)
    .where(({ or, eb }) => or([eb("user_id", "=", userId), rarely(eb("linked_to", "=", userId))]));
  const theirSessions = store.db
    .selectFrom("sessions")
    .select("id")
    .where("tenant_id", "=", tenantId)
    .where("user_id", "in", leaving);
  return [
    rowsIn("login_sessions").where("session_id", "in", theirSessions),
    ...OWNED.map((table) => rowsIn(table).where("user_id", "in", leaving)),
    rowsIn("users").where("linked_to", "=", userId),
    rowsIn("users").where("user_id", "=", userId),
  ];
}
