import type { DataAdapters, SessionCleanupParams } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { loginSessions } from "./login-sessions.ts";
import type { Rows } from "./page.ts";
import { refreshTokens } from "./refresh-tokens.ts";
import { sessions } from "./sessions.ts";
import type { Store } from "./store.ts";
import { sweep } from "./sweep.ts";

// Long enough to look into what happened; AuthHero's own retention counts on it.
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * The `sessionCleanup` member: deletes refresh tokens, sessions and login sessions that ended more than seven days
 * ago, each by its own expiry; of one tenant or user where one is named. No expiry is never. Failures are thrown.
 */
export const createSessionCleanup =
  (store: Store): NonNullable<DataAdapters["sessionCleanup"]> =>
  async (params = {}) => {
    const cutoff = store.clock().getTime() - KEPT_MS;
    const mine = (rows: Rows) => narrowed(rows, params);
    const over = (rows: Rows) =>
      mine(rows).where(({ eb, or }) => or([eb("expires_at", "<", cutoff), eb("idle_expires_at", "<", cutoff)]));
    await sweep(store, refreshTokens.table, over);
    await sweep(store, sessions.table, over);
    await sweep(store, loginSessions.table, (rows) => mine(rows).where("expires_at", "<", cutoff));
  };

function narrowed(rows: Rows, { tenant_id, user_id }: SessionCleanupParams): Rows {
  // The plus keeps SQLite from an index by tenant, and so from every row of it: few have expired, and those have
  // indexes of their own. A user's rows are few in any case.
  const tenant = user_id === undefined ? sql`+tenant_id` : sql.ref("tenant_id");
  return rows
    .$if(tenant_id !== undefined, (query) => query.where(tenant, "=", tenant_id))
    .$if(user_id !== undefined, (query) => query.where("user_id", "=", user_id));
}
