import type { Client, ClientInsert, ClientsAdapter, ListParams } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, json, secret, text, time } from "./columns.ts";
import { crud, decoded, listRows } from "./crud.ts";
import { entity, storedColumns } from "./entity.ts";
import { contains, whereQuery } from "./filter.ts";
import type { Rows } from "./page.ts";
import { parseQuery } from "./query.ts";
import type { Store } from "./store.ts";

/** Applications. The contract always shows their lists, objects and flags, set or not. */
export const clients = entity<Client, ClientInsert>({
  table: "clients",
  key: "client_id",
  columns: {
    client_id: text(),
    name: text(),
    client_secret: secret(),
    owner_user_id: text(),
    registration_type: text(),
    connections: json(),
    created_at: time(),
    updated_at: time(),
    description: doc(),
    global: doc(),
    app_type: doc(),
    logo_uri: doc(),
    is_first_party: doc(),
    oidc_conformant: doc(),
    auth0_conformant: doc(),
    callbacks: doc(),
    allowed_origins: doc(),
    web_origins: doc(),
    client_aliases: doc(),
    allowed_clients: doc(),
    allowed_logout_urls: doc(),
    session_transfer: doc(),
    oidc_logout: doc(),
    grant_types: doc(),
    jwt_configuration: doc(),
    signing_keys: doc(),
    encryption_key: doc(),
    sso: doc(),
    sso_disabled: doc(),
    cross_origin_authentication: doc(),
    cross_origin_loc: doc(),
    custom_login_page_on: doc(),
    custom_login_page: doc(),
    custom_login_page_preview: doc(),
    form_template: doc(),
    addons: doc(),
    token_endpoint_auth_method: doc(),
    client_metadata: doc(),
    hide_sign_up_disabled_error: doc(),
    mobile: doc(),
    initiate_login_uri: doc(),
    native_social_login: doc(),
    refresh_token: doc(),
    default_organization: doc(),
    organization_usage: doc(),
    organization_require_behavior: doc(),
    client_authentication_methods: doc(),
    require_pushed_authorization_requests: doc(),
    require_proof_of_possession: doc(),
    signed_request_object: doc(),
    compliance_level: doc(),
    par_request_expiry: doc(),
    token_quota: doc(),
    registration_metadata: doc(),
    user_linking_mode: doc(),
  },
  defaults: () => ({ client_id: plainId() }),
  absent: () => ({
    global: false,
    is_first_party: true,
    oidc_conformant: true,
    auth0_conformant: true,
    sso: false,
    sso_disabled: false,
    cross_origin_authentication: false,
    custom_login_page_on: false,
    hide_sign_up_disabled_error: false,
    require_pushed_authorization_requests: false,
    require_proof_of_possession: false,
    callbacks: [],
    allowed_origins: [],
    web_origins: [],
    client_aliases: [],
    allowed_clients: [],
    connections: [],
    allowed_logout_urls: [],
    grant_types: [],
    signing_keys: [],
    session_transfer: {},
    oidc_logout: {},
    jwt_configuration: {},
    encryption_key: {},
    addons: {},
    client_metadata: {},
    mobile: {},
    native_social_login: {},
    refresh_token: {},
    default_organization: {},
    client_authentication_methods: {},
    signed_request_object: {},
    token_quota: {},
  }),
  filters: { fields: { owner_user_id: "text", registration_type: "text" } },
  sortable: ["name", "client_id", "created_at", "updated_at"],
  order: [["created_at", "desc"]],
  cascade: [
    ["client_grants", "client_id"],
    ["client_registration_tokens", "client_id"],
    ["refresh_tokens", "client_id"],
    ["grants", "clientID"],
  ],
});

const LISTING = {
  as: "clients",
  counters: "pageAndTotal",
  perPage: 10,
  checkpoint: { by: "created_at", key: "client_id", direction: "desc" },
} as const;

/**
 * The `clients` adapter. `getByClientId` is asked where no tenant is known: in a database that tenants share it
 * answers null when more than one has a client of that id, because any choice would be a guess.
 */
export function createClients(store: Store): ClientsAdapter {
  const { create, get, update, remove } = crud(store, clients, LISTING);
  return {
    create,
    get,
    update,
    remove,

    async getByClientId(clientId) {
      const found = await store.db
        .selectFrom(clients.table)
        .select(["tenant_id", ...storedColumns(clients)])
        .where("client_id", "=", clientId)
        .limit(2)
        .execute();
      const [row] = found;
      if (!row || found.length > 1) return null;
      return { ...decoded(store, clients, row.tenant_id, row), tenant_id: row.tenant_id };
    },

    async list(tenantId, { q, ...params } = {}) {
      const page = await listRows(store, clients, LISTING, tenantId, params, (rows) => searched(rows, q));
      const { clients: found, ...totals } = page;
      return { clients: found, totals };
    },
  };
}

/** What is not a comparison with one of two fields is searched for as it stands, colons and spaces included. */
function searched(rows: Rows, q: ListParams["q"]): Rows {
  const searchedFor = q?.trim();
  if (!searchedFor) return rows;
  const compares = parseQuery(searchedFor).every((terms) =>
    terms.every((term) => term.kind === "compare" && Object.hasOwn(clients.filters?.fields ?? {}, term.field)),
  );
  const where = compares && clients.filters ? whereQuery(clients.filters, searchedFor) : null;
  if (where) return rows.where(where);
  return rows.where(({ or, ref }) => or([contains(ref("name"), searchedFor), contains(ref("client_id"), searchedFor)]));
}
