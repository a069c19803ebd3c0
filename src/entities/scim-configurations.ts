import type {
  ScimConfiguration,
  ScimConfigurationInsert,
  ScimConfigurationsAdapter,
} from "@authhero/adapter-interfaces";
import { doc, text, time } from "./columns.ts";
import { crud } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** How a connection's users are provisioned from outside (RFC 7643, RFC 7644); one per connection. */
export const scimConfigurations = entity<ScimConfiguration, ScimConfigurationInsert>({
  table: "scim_configurations",
  key: "connection_id",
  columns: {
    connection_id: text(),
    created_at: time(),
    updated_at: time(),
    user_id_attribute: doc(),
    mapping: doc(),
  },
  absent: () => ({ user_id_attribute: "externalId", mapping: [] }),
});

/** The `scimConfigurations` adapter. */
export function createScimConfigurations(store: Store): ScimConfigurationsAdapter {
  const { create, get, update, remove } = crud(store, scimConfigurations, { as: "scim_configurations" });
  return { get, update, remove, create: (tenantId, configuration) => create(tenantId, configuration) };
}
