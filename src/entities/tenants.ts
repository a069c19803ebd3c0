import type { CreateOptions, CreateTenantParams, Tenant, TenantsDataAdapter } from "@authhero/adapter-interfaces";
import type { Compilable } from "kysely";
import { tenantLabel } from "../domain/ids.ts";
import { doc, secretDoc, text, time } from "./columns.ts";
import { insertRow, matching, newRow, ordered } from "./crud.ts";
import { decodeRow, encodePatch, entity, placeOf, type Row, storedColumns } from "./entity.ts";
import { COUNTERS, offsetOf, readPage } from "./page.ts";
import { nowOf, type Store } from "./store.ts";

type Stored = Omit<Tenant, "is_control_plane">;

/** The tenants' own rows. `is_control_plane` is computed above and never stored. */
export const tenants = entity<Stored, CreateTenantParams>({
  table: "tenants",
  key: "id",
  columns: {
    id: text(),
    friendly_name: text(),
    created_at: time(),
    updated_at: time(),
    audience: doc(),
    picture_url: doc(),
    support_email: doc(),
    support_url: doc(),
    sender_email: doc(),
    sender_name: doc(),
    session_lifetime: doc(),
    idle_session_lifetime: doc(),
    ephemeral_session_lifetime: doc(),
    idle_ephemeral_session_lifetime: doc(),
    session_cookie: doc(),
    allowed_logout_urls: doc(),
    default_redirection_uri: doc(),
    default_client_id: doc(),
    enabled_locales: doc(),
    default_directory: doc(),
    error_page: doc(),
    flags: doc(),
    sandbox_version: doc(),
    legacy_sandbox_version: doc(),
    sandbox_versions_available: doc(),
    change_password: doc(),
    guardian_mfa_page: doc(),
    device_flow: doc(),
    default_token_quota: doc(),
    default_audience: doc(),
    default_organization: doc(),
    sessions: doc(),
    oidc_logout: doc(),
    allow_organization_name_in_authentication_api: doc(),
    customize_mfa_in_postlogin_action: doc(),
    acr_values_supported: doc(),
    mtls: doc(),
    pushed_authorization_requests_supported: doc(),
    authorization_response_iss_parameter_supported: doc(),
    deployment_type: doc(),
    provisioning_state: doc(),
    provisioning_error: doc(),
    provisioning_state_changed_at: doc(),
    bundle_configuration: doc(),
    worker_version: doc(),
    database_version: doc(),
    worker_script_name: doc(),
    storage_kind: doc(),
    d1_database_id: doc(),
    attack_protection: doc(),
    mfa: secretDoc(),
  },
  ignored: ["is_control_plane"],
  defaults: () => ({ id: tenantLabel(), deployment_type: "shared", provisioning_state: "ready" }),
  filters: {
    fields: { id: "text", friendly_name: "text" },
    search: { id: "contains", friendly_name: "contains" },
  },
  sortable: ["id", "friendly_name", "created_at", "updated_at"],
});

/** What stands beside the tenants of what is theirs. Not their operations: those are remembered after they are gone. */
const SHARED_TABLES = ["signing_keys", "custom_domains", "proxy_routes"] as const;

/**
 * The `tenants` adapter. `tables` are those with rows of single tenants, which go with their tenant. An id that is
 * taken is `conflict` (`unique_violation`).
 */
export function createTenants(store: Store, tables: readonly string[]): TenantsDataAdapter {
  const rows = store.db.selectFrom(tenants.table);
  const shown = (row: Row) => decodeRow<Stored>(tenants, row, placeOf(tenants, "", store.keyRing));

  return {
    async create(params, options) {
      const row = newTenant(store, params, options);
      await insertRow(store, tenants, row).execute();
      return shown(row);
    },

    async get(id) {
      const row = await rows.select(storedColumns(tenants)).where("id", "=", id).executeTakeFirst();
      return row ? shown(row) : null;
    },

    async list(params = {}) {
      const found = matching(rows, tenants, params.q);
      const offset = offsetOf(params);
      const counted = params.include_totals === true;
      const page = await readPage(
        ordered(found.select(storedColumns(tenants)), tenants, params),
        found,
        offset,
        counted,
      );
      const totals = COUNTERS.zeroUnlessAsked({ ...offset, rows: page.rows.length, total: page.total });
      return { tenants: page.rows.map(shown), ...(counted && { totals, ...totals }) };
    },

    async update(id, { id: _id, created_at: _created, ...patch }) {
      const set = encodePatch(tenants, { ...patch, updated_at: nowOf(store) }, placeOf(tenants, "", store.keyRing));
      await store.db.updateTable(tenants.table).set(set).where("id", "=", id).execute();
    },

    async remove(id) {
      const results = await store.batch([...deletionsFrom(store, tables, id), ...tenantPurge(store, id)]);
      return (results.at(-1)?.changes ?? 0) > 0;
    },
  };
}

/** The rows of a page of tenants by id, in one statement. */
export async function tenantsByIds(store: Store, ids: readonly string[]): Promise<ReadonlyMap<string, Stored>> {
  const rows: Row[] = await store.db
    .selectFrom(tenants.table)
    .select(storedColumns(tenants))
    .where("id", "in", ids)
    .execute();
  return new Map(
    rows.map((row) => [String(row.id), decodeRow<Stored>(tenants, row, placeOf(tenants, "", store.keyRing))]),
  );
}

/** The INSERT of a tenant's row, for a batch with whatever else must begin at the same moment. */
export const tenantInsert = (store: Store, params: CreateTenantParams) =>
  insertRow(store, tenants, newTenant(store, params));

/** The statements that end what a control plane knows of a tenant: keys, domains with their routes, its row. */
export const tenantPurge = (store: Store, id: string): readonly Compilable[] => [
  ...deletionsFrom(store, SHARED_TABLES, id),
  store.db.deleteFrom(tenants.table).where("id", "=", id),
];

/** A tenant is no tenant's row: its id is its key, and the column that the others have is missing. */
function newTenant(store: Store, params: CreateTenantParams, options?: CreateOptions): Row {
  const { tenant_id: _none, ...row } = newRow(store, tenants, "", params, options) as Record<string, unknown>;
  return row;
}

const deletionsFrom = (store: Store, tables: readonly string[], id: string): readonly Compilable[] =>
  tables.map((table) => store.db.deleteFrom(table).where("tenant_id", "=", id));
