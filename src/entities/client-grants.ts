import type { ClientGrant, ClientGrantInsert, ClientGrantsAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, flag, text, time } from "./columns.ts";
import { crud } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** What an application may do with an API on its own account; one per pair. */
export const clientGrants = entity<ClientGrant, ClientGrantInsert>({
  table: "client_grants",
  key: "id",
  columns: {
    id: text(),
    client_id: text(),
    audience: text(),
    allow_any_organization: flag(),
    is_system: flag(),
    subject_type: text(),
    created_at: time(),
    updated_at: time(),
    scope: doc(),
    organization_usage: doc(),
    authorization_details_types: doc(),
  },
  defaults: () => ({ id: plainId(), allow_any_organization: false, is_system: false }),
  absent: () => ({ scope: [], authorization_details_types: [] }),
  filters: {
    fields: {
      id: "text",
      client_id: "text",
      audience: "text",
      allow_any_organization: "flag",
      is_system: "flag",
      subject_type: "text",
    },
  },
  sortable: ["id", "client_id", "audience", "created_at", "updated_at"],
  order: [["created_at", "desc"]],
});

/** The `clientGrants` adapter. */
export const createClientGrants = (store: Store): ClientGrantsAdapter =>
  crud(store, clientGrants, {
    as: "client_grants",
    checkpoint: { by: "created_at", key: "id", direction: "desc" },
  });
