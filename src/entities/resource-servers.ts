import type { ResourceServer, ResourceServerInsert, ResourceServersAdapter } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { prefixedId } from "../domain/ids.ts";
import { doc, json, mark, secret, text, time } from "./columns.ts";
import { crud, deleteFrom, removeWith, rowsOf, updateOf } from "./crud.ts";
import { entity } from "./entity.ts";
import { withFields } from "./json-document.ts";
import type { Store } from "./store.ts";

/** APIs, and the permissions they know. */
export const resourceServers = entity<ResourceServer, ResourceServerInsert>({
  table: "resource_servers",
  key: "id",
  columns: {
    id: text(),
    identifier: text(),
    name: text(),
    is_system: mark(),
    signing_secret: secret(),
    options: json(),
    created_at: time(),
    updated_at: time(),
    scopes: doc(),
    signing_alg: doc(),
    token_lifetime: doc(),
    token_lifetime_for_web: doc(),
    skip_consent_for_verifiable_first_party_clients: doc(),
    allow_offline_access: doc(),
    verificationKey: doc(),
    metadata: doc(),
  },
  defaults: () => ({ id: prefixedId("api") }),
  absent: () => ({ scopes: [], options: {}, token_lifetime: 86_400, token_lifetime_for_web: 7_200 }),
  filters: {
    fields: { id: "text", name: "contains", identifier: "contains" },
    search: { name: "contains", identifier: "contains" },
  },
  sortable: ["name", "identifier", "created_at"],
  order: [["created_at", "asc"]],
});

/** The `resourceServers` adapter. `update` merges the top level of `options`; permissions go with their API. */
export function createResourceServers(store: Store): ResourceServersAdapter {
  const { create, get, list } = crud(store, resourceServers, { as: "resource_servers" });
  return {
    create,
    get,
    list,

    async update(tenantId, id, { options, ...patch }) {
      const changes = options === null ? { ...patch, options } : patch;
      const result = await updateOf(store, resourceServers, tenantId, id, changes)
        ?.$if(Boolean(options), (query) => query.set({ options: merged(options ?? {}) }))
        .executeTakeFirst();
      return (result?.numUpdatedRows ?? 0n) > 0n;
    },

    remove(tenantId, id) {
      const identifier = rowsOf(store, resourceServers, tenantId).select("identifier").where("id", "=", id);
      const dependants = ["role_permissions", "user_permissions"].map((table) =>
        store.db
          .deleteFrom(table)
          .where("tenant_id", "=", tenantId)
          .where(({ or, eb }) =>
            or([eb("resource_server_identifier", "=", id), eb("resource_server_identifier", "=", identifier)]),
          ),
      );
      return removeWith(store, dependants, deleteFrom(store, resourceServers.table, tenantId, "id", id));
    },
  };
}

/** Key by key, not `json_patch`: that would merge what is inside of an option, too, and drop what is null. */
const merged = (options: object) =>
  withFields(
    sql`coalesce(options, '{}')`,
    Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, JSON.stringify(value)] as const),
  );
