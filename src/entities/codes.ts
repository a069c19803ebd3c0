import type { Code, CodeInsert, CodesAdapter } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import { type Column, doc, text, time } from "./columns.ts";
import { crud, cutoffOf, decoded } from "./crud.ts";
import { entity, type Row, storedColumns } from "./entity.ts";
import { nowOf, type Store } from "./store.ts";
import { sweep } from "./sweep.ts";
import { endTokens } from "./token-ends.ts";

/** An instant that cannot be read counts as long past, for whoever asks and for the sweep. */
const expiry = (): Column<string> => ({ ...time(), encode: (value) => Date.parse(value) || 0 });

/** What is good once: authorization codes, one-time passwords, tickets, the `state` of a redirect. */
export const codes = entity<Code, CodeInsert>({
  table: "codes",
  key: "code_id",
  columns: {
    code_id: text(),
    code_type: text(),
    login_id: text(),
    user_id: text(),
    expires_at: expiry(),
    used_at: time(),
    created_at: time(),
    connection_id: doc(),
    code_verifier: doc(),
    code_challenge: doc(),
    code_challenge_method: doc(),
    redirect_uri: doc(),
    otp: doc(),
    nonce: doc(),
    state: doc(),
  },
  filters: { fields: { code_id: "text", code_type: "text", login_id: "text", user_id: "text" } },
  sortable: ["code_id", "created_at", "expires_at"],
});

/**
 * The `codes` adapter. `used`, `consume` and `remove` take no type, so they mean every code of that id.
 *
 * `used` throws `conflict` (`code_already_used`) where AuthHero would redeem a code a second time: it reads
 * `used_at` first and ignores the answer of `used`, so of several requests at once all would pass. What the first
 * of them has been given, or still is, can then not be refreshed.
 */
export function createCodes(store: Store): CodesAdapter {
  const { create, list, remove } = crud(store, codes, { as: "codes" });

  const spend = async (tenantId: string, id: string): Promise<boolean> => {
    const result = await store.db
      .updateTable(codes.table)
      .set({ used_at: Date.parse(nowOf(store)) })
      .where("tenant_id", "=", tenantId)
      .where("code_id", "=", id)
      .where("used_at", "is", null)
      .executeTakeFirstOrThrow();
    return result.numUpdatedRows > 0n;
  };

  const find = (tenantId: string, id: string) =>
    store.db
      .selectFrom(codes.table)
      .select(["tenant_id", ...storedColumns(codes)])
      .where("code_id", "=", id)
      // After a redirect AuthHero does not know the tenant yet.
      .$if(Boolean(tenantId), (rows) => rows.where("tenant_id", "=", tenantId));

  return {
    create: (tenantId, code) => create(tenantId, code),
    list,
    remove,
    consume: spend,

    async get(tenantId, id, type) {
      const row = await find(tenantId, id).where("code_type", "=", type).executeTakeFirst();
      return row ? decoded(store, codes, row.tenant_id, row as Row) : null;
    },

    async used(tenantId, id) {
      if (await spend(tenantId, id)) return true;
      const spent = await find(tenantId, id).execute();
      if (spent.length === 0) return false;
      const redeemed = spent.find(({ code_type }) => code_type === "authorization_code");
      if (redeemed) await store.batch(endTokens(store, tenantId, redeemed.login_id, Date.parse(nowOf(store))));
      throw new PlatformError("conflict", "code_already_used", "This code has been used already");
    },

    async cleanup(olderThan) {
      const cutoff = cutoffOf(olderThan);
      return await sweep(store, codes.table, (rows) => rows.where("expires_at", "<", cutoff));
    },
  };
}
