import type { UserActivity, UserActivityAdapter, UserActivityUpdate } from "@authhero/adapter-interfaces";
import type { Expression, SqlBool } from "kysely";
import { integer, json, text } from "./columns.ts";
import { getRow } from "./crud.ts";
import { encodePatch, encodeRow, entity, placeOf } from "./entity.ts";
import { insertWhere } from "./insert-where.ts";
import type { Store } from "./store.ts";

/** What changes at every login. Times are the caller's, verbatim. */
export const userActivity = entity<UserActivity>({
  table: "user_activity",
  key: "user_id",
  columns: {
    user_id: text(),
    last_login: text(),
    last_ip: text(),
    login_count: integer(),
    failed_logins: json(),
    last_password_reset: text(),
  },
});

/** The `userActivity` adapter: `upsert` writes only the fields it is given. */
export const createUserActivity = (store: Store): UserActivityAdapter => ({
  get: (tenantId, userId) => getRow(store, userActivity, tenantId, userId),

  async upsert(tenantId, userId, activity) {
    await activityUpsert(store, tenantId, userId, activity).execute();
  },
});

/** Insert or merge, in one statement; only where `condition` holds, if one is given. */
export function activityUpsert(
  store: Store,
  tenantId: string,
  userId: string,
  activity: UserActivityUpdate,
  condition?: Expression<SqlBool>,
) {
  const place = placeOf(userActivity, tenantId, store.keyRing);
  const row = { tenant_id: tenantId, user_id: userId, ...encodeRow(userActivity, activity, place) };
  const change = encodePatch(userActivity, activity, place);
  const insert = condition
    ? insertWhere(store, userActivity.table, row, condition)
    : store.db.insertInto(userActivity.table).values(row);
  return insert.onConflict((conflict) => {
    const same = conflict.columns(["tenant_id", "user_id"]);
    return Object.keys(change).length > 0 ? same.doUpdateSet(change) : same.doNothing();
  });
}
