import type { CreateOptions, Password, PasswordInsert, PasswordsAdapter } from "@authhero/adapter-interfaces";
import type { Compilable } from "kysely";
import { plainId } from "../domain/ids.ts";
import { flag, text, time } from "./columns.ts";
import { decoded, insertRow, newRow, rowsOf } from "./crud.ts";
import { encodePatch, entity, placeOf, type Row, storedColumns } from "./entity.ts";
import { nowOf, type Store } from "./store.ts";

// Password histories compare against a few dozen at most; an export takes what there is.
const PASSWORDS_MAX = 1000;

/** Hashes, the current one and those before it. */
export const passwords = entity<Password, PasswordInsert>({
  table: "passwords",
  key: "id",
  columns: {
    id: text(),
    user_id: text(),
    password: text(),
    algorithm: text(),
    is_current: flag(),
    created_at: time(),
    updated_at: time(),
  },
  defaults: () => ({ id: plainId(), algorithm: "argon2id", is_current: true }),
});

/** The `passwords` adapter: a user has one current password at most, whatever is written at the same time. */
export const createPasswords = (store: Store): PasswordsAdapter => ({
  async create(tenantId, input, options) {
    const { row, statements } = newPassword(store, tenantId, input, options);
    await store.batch(statements);
    return decoded(store, passwords, tenantId, row);
  },

  async update(tenantId, input) {
    const results = await store.batch(passwordUpdate(store, tenantId, input));
    return (results.at(-1)?.changes ?? 0) > 0;
  },

  async get(tenantId, userId) {
    const row = await passwordsOf(store, tenantId, userId).where("is_current", "=", 1).executeTakeFirst();
    return row ? decoded(store, passwords, tenantId, row) : null;
  },

  async list(tenantId, userId, limit = PASSWORDS_MAX) {
    // The row id decides between passwords of one millisecond: it grows with every insertion.
    const rows = await passwordsOf(store, tenantId, userId)
      .orderBy("created_at", "desc")
      .orderBy("rowid", "desc")
      .limit(Math.min(Math.max(limit, 0), PASSWORDS_MAX))
      .execute();
    return rows.map((row) => decoded(store, passwords, tenantId, row as Row));
  },
});

/** A password to be written in one unit with something else: its row, and the statements that make it current. */
export function newPassword(store: Store, tenantId: string, input: PasswordInsert, options?: CreateOptions) {
  const row = newRow(store, passwords, tenantId, input, options);
  const insert: Compilable = insertRow(store, passwords, row);
  const takesOver = input.is_current !== false;
  return { row, statements: takesOver ? [demotion(store, tenantId, input.user_id), insert] : [insert] };
}

const passwordsOf = (store: Store, tenantId: string, userId: string) =>
  rowsOf(store, passwords, tenantId).select(storedColumns(passwords)).where("user_id", "=", userId);

const changeOf = (store: Store, tenantId: string, userId: string) =>
  store.db.updateTable(passwords.table).where("tenant_id", "=", tenantId).where("user_id", "=", userId);

const demotion = (store: Store, tenantId: string, userId: string) =>
  changeOf(store, tenantId, userId)
    .set({ is_current: 0, updated_at: Date.parse(nowOf(store)) })
    .where("is_current", "=", 1);

/** Changes the password with the given id, else the current one. What is not given stays, `is_current` too. */
function passwordUpdate(store: Store, tenantId: string, input: PasswordInsert): Compilable[] {
  const { id, user_id, ...patch } = input;
  const place = placeOf(passwords, tenantId, store.keyRing);
  const change = changeOf(store, tenantId, user_id).set(
    encodePatch(passwords, { ...patch, updated_at: nowOf(store) }, place),
  );
  if (!id) return [change.where("is_current", "=", 1)];
  const update = change.where("id", "=", id);
  if (!patch.is_current) return [update];
  const target = rowsOf(store, passwords, tenantId).select("id").where("user_id", "=", user_id).where("id", "=", id);
  return [
    demotion(store, tenantId, user_id)
      .where("id", "!=", id)
      .where(({ exists }) => exists(target)),
    update,
  ];
}
