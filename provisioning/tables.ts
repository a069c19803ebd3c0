import type { Generated } from "kysely";
import type { TenantState } from "../src/domain/tenants.ts";

/** The tables of `migrations/control-plane` and what is asked of those beside them, as queries see them. */
export interface RegistryTables {
  rh_placements: PlacementRow;
  rh_retired_tags: { tag: string; tenant_id: string; claimed_at: string; retired_at: string | null };
  rh_operations: OperationRow;
  rh_operation_events: EventRow;
  rh_idempotency_keys: {
    caller: string;
    route: string;
    key: string;
    body_hash: string;
    operation_id: string;
    answer: string | null;
    expires_at: string;
  };
  rh_first_administrators: { tenant_id: string; email: string; invitation_id: Generated<string | null> };
  rh_client_directory: { client_id: string; tenant_id: string; added_at: string | null };
  custom_domains: { tenant_id: string; domain: string };
  rh_state_directory: { id: string; tenant_id: string; expires_at: string };
  rh_changes: { number: Generated<number>; tenant_id: string };
  rh_processes: {
    id: string;
    started_at: string;
    lease_until: string;
    acknowledged: number;
    holding: string;
    key_ids: string;
  };
  rh_leases: { name: string; owner: string; lease_until: string; fence: number };
}

export interface PlacementRow {
  tenant_id: string;
  state: TenantState;
  tag: string;
  generation: number;
  provider: string;
  database: string;
  locator: string | null;
  secret: string | null;
  nonce: string;
  schema_version: string | null;
  epoch: Generated<number>;
  organization_id: string | null;
  incarnation_at: string;
  outbox_pending_since: string | null;
  synced_version: Generated<number>;
  restore_state: TenantState | null;
  purge_at: string | null;
  place_group: string | null;
  place_region: string | null;
  domains: Generated<string>;
  last_backup: string | null;
  created_at: string;
  updated_at: string;
}

export interface OperationRow {
  number: Generated<number>;
  id: string;
  tenant_id: string;
  tag: string;
  kind: string;
  state: "running" | "failed" | "done" | "abandoned";
  step: string | null;
  error: string | null;
  initiator: string;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
  lease_owner: string | null;
  lease_until: string | null;
  fence: Generated<number>;
  attempts: Generated<number>;
  next_attempt_at: string | null;
}

interface EventRow {
  id: Generated<number>;
  operation_id: string;
  step: string;
  outcome: "done" | "failed";
  error: string | null;
  at: string;
}
