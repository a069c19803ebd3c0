import type {
  AuthenticationMethod,
  AuthenticationMethodInsert,
  AuthenticationMethodsAdapter,
} from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import { timeId } from "../domain/ids.ts";
import { doc, flag, secret, text, time } from "./columns.ts";
import { arrayOf, crud, decoded, getRow, updateOf } from "./crud.ts";
import { entity, storedColumns } from "./entity.ts";
import type { Store } from "./store.ts";

/** Second factors and passkeys. A TOTP secret is sealed: who reads it can answer for the user. */
export const authenticationMethods = entity<AuthenticationMethod, AuthenticationMethodInsert>({
  table: "authentication_methods",
  key: "id",
  columns: {
    id: text(),
    user_id: text(),
    type: text(),
    phone_number: doc(),
    totp_secret: secret(),
    credential_id: text(),
    public_key: doc(),
    sign_count: doc(),
    credential_backed_up: doc(),
    transports: doc(),
    friendly_name: doc(),
    confirmed: flag(),
    created_at: time(),
    updated_at: time(),
  },
  defaults: (_input, { now }) => ({ id: timeId(new Date(now)), confirmed: false }),
  order: [["created_at", "asc"]],
});

/** The `authenticationMethods` adapter. Its `update` gives the object, and throws `not_found` where there is none. */
export function createAuthenticationMethods(store: Store): AuthenticationMethodsAdapter {
  const { create, get, remove } = crud(store, authenticationMethods, { as: "methods" });
  return {
    create,
    get,
    remove,

    getByCredentialId: (tenantId, credentialId) =>
      getRow(store, authenticationMethods, tenantId, credentialId, "credential_id"),

    list: (tenantId, userId) =>
      arrayOf(store, authenticationMethods, tenantId, (rows) => rows.where("user_id", "=", userId)),

    async update(tenantId, id, patch) {
      const row = await updateOf(store, authenticationMethods, tenantId, id, patch)
        ?.returning(storedColumns(authenticationMethods))
        .executeTakeFirst();
      if (row) return decoded(store, authenticationMethods, tenantId, row);
      throw new PlatformError("not_found", "authentication_method_not_found", "There is no such authentication method");
    },
  };
}
