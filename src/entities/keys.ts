import type { KeysAdapter, SigningKey } from "@authhero/adapter-interfaces";
import { doc, secret, text, time } from "./columns.ts";
import { insertRow, matching, newRow, ordered } from "./crud.ts";
import { type Definition, decodeRow, encodePatch, entity, placeOf, type Row, storedColumns } from "./entity.ts";
import { COUNTERS, offsetOf, readPage } from "./page.ts";
import { nowOf, type Store } from "./store.ts";

interface Stored extends SigningKey {
  readonly created_at: string;
}

const scoped = entity<Stored, SigningKey>({
  table: "signing_keys",
  key: "kid",
  columns: {
    kid: text(),
    type: text(),
    connection: text(),
    fingerprint: text(),
    thumbprint: text(),
    cert: text(),
    pkcs7: secret(),
    current_since: time(),
    current_until: time(),
    revoked_at: time(),
    created_at: time(),
    current: doc(),
    next: doc(),
    previous: doc(),
    revoked: doc(),
  },
  filters: {
    fields: {
      kid: "text",
      tenant_id: "text",
      type: "text",
      connection: "text",
      fingerprint: "text",
      thumbprint: "text",
    },
  },
  sortable: ["kid", "type", "current_since", "created_at"],
  order: [["created_at", "asc"]],
});

/** Signing and encryption keys. The tenant is a field like any other here: the control plane's keys have none. */
export const keys: Definition<Stored, SigningKey> = { ...scoped, columns: { ...scoped.columns, tenant_id: text() } };

const KEYS_PER_PAGE = 100;

/** The `keys` adapter. A key's private half (`pkcs7`) is sealed for its `kid`, so that no row can pass as another. */
export function createKeys(store: Store): KeysAdapter {
  const placed = (kid: string) => placeOf(keys, kid, store.keyRing);
  const shown = (row: Row): SigningKey => {
    const { created_at: _created, ...key } = decodeRow<Stored>(keys, row, placed(String(row.kid)));
    return key;
  };

  return {
    async create(key, options) {
      const kid = options?.importMetadata?.id ?? key.kid;
      const row = newRow(store, keys, kid, { ...key, kid }, options);
      await insertRow(store, keys, { ...row, tenant_id: key.tenant_id ?? null }).execute();
    },

    /** Without those whose revocation has come; one in the future is a grace period. */
    async list(params = {}) {
      const live = store.db
        .selectFrom(keys.table)
        .where(({ or, eb }) => or([eb("revoked_at", "is", null), eb("revoked_at", ">", Date.parse(nowOf(store)))]));
      const found = matching(live, keys, params.q);
      const offset = offsetOf(params, KEYS_PER_PAGE);
      const counted = params.include_totals === true;
      const page = await readPage(ordered(found.select(storedColumns(keys)), keys, params), found, offset, counted);
      const counters = COUNTERS.zeroUnlessAsked({ ...offset, rows: page.rows.length, total: page.total });
      return { signingKeys: page.rows.map(shown), ...counters };
    },

    async update(kid, patch) {
      const { kid: _kid, created_at: _created, ...changes } = patch as Partial<Stored>;
      const set = encodePatch(keys, changes, placed(kid));
      const rows = store.db.selectFrom(keys.table).select("kid").where("kid", "=", kid);
      if (Object.keys(set).length === 0) return (await rows.executeTakeFirst()) !== undefined;
      const { numUpdatedRows } = await store.db
        .updateTable(keys.table)
        .set(set)
        .where("kid", "=", kid)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
  };
}
