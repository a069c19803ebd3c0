import { type Compilable, type RawBuilder, sql } from "kysely";
import { nowOf, type Store } from "./store.ts";

// Longer than a redemption takes: whoever is in the middle of one writes its refresh token within that time.
const REDEMPTION_MS_MAX = 60_000;

/**
 * Ends the refresh tokens of a login session in one unit, also those that a redemption at this moment is still about
 * to write: the login session remembers when. The first statement changes the tokens there are.
 */
export function endTokens(store: Store, tenantId: string, loginId: string, at: number): Compilable[] {
  return [
    store.db
      .updateTable("refresh_tokens")
      .set({ revoked_at: at })
      .where("tenant_id", "=", tenantId)
      .where("login_id", "=", loginId)
      .where("revoked_at", "is", null),
    store.db
      .updateTable("login_sessions")
      .set({ doc: sql`json_set(doc, '$.tokens_ended_at', ${at})` })
      .where("tenant_id", "=", tenantId)
      .where("id", "=", loginId),
  ];
}

/** For `revoked_at` of a refresh token that is being written: when its login's tokens were ended, if just now. */
export const endedBeforeBirth = (store: Store, tenantId: string, loginId: string): RawBuilder<number | null> =>
  sql`(
    select json_extract(doc, '$.tokens_ended_at') from login_sessions
    where id = ${loginId} and tenant_id = ${tenantId}
      and json_extract(doc, '$.tokens_ended_at') > ${Date.parse(nowOf(store)) - REDEMPTION_MS_MAX}
  )`;
