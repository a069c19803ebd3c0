import type { Accepted } from "../operations/service.ts";
import type {
  CreateTenant,
  ListTenants,
  ManagementClient,
  NewManagementClient,
  Tenant,
  TenantDatabase,
} from "./schemas.ts";
import type { EffectiveSettings, TenantSettings } from "./settings.ts";

/** A page of tenants. `total` is there when it was asked for, `next` when a further page exists. */
export interface TenantPage {
  readonly tenants: readonly Tenant[];
  readonly total?: number;
  readonly next?: string;
}

/** Who looks at the list: an operator, or somebody who sees the tenants of the organizations they belong to. */
export type Viewer = "everything" | { readonly userId: string; readonly organizationId: string | undefined };

/** A creation that has begun: in this request, or in an earlier one with the same `Idempotency-Key`. */
export interface Creation extends Accepted {
  readonly tenantId: string;
  /** An earlier request has begun it, and it is not over. */
  readonly isUnderWay: boolean;
  /** The tenant as it is answered: once and for all, however often the request is repeated. */
  answer(): Promise<Tenant>;
}

/** What the routes need done. The wiring makes it from the registry, the lifecycle and the tenant rows. */
export interface TenantsService {
  list(query: ListTenants, viewer: Viewer): Promise<TenantPage>;
  get(id: string): Promise<Tenant | null>;
  /** Where a tenant's database is and how it is; that it does not answer is part of it. Null: no such tenant. */
  database(id: string): Promise<TenantDatabase | null>;
  /**
   * Throws `conflict` (`tenant_exists`) when the id is taken; nothing has changed then. `invalid` for a `database`
   * that cannot be (`unknown_provider`, `unknown_group`, `unknown_region`). With an `Idempotency-Key`:
   * `invalid` (`idempotency_key_reused`) when it came with another body before.
   */
  create(input: CreateTenant, initiator: string, idempotencyKey?: string): Promise<Creation>;
  /**
   * Makes a client inside a tenant for its own management API. What it answers is kept nowhere. Throws `conflict`
   * (`too_many_management_clients`), `forbidden` (`control_plane`), and what a tenant that is not served throws.
   */
  createManagementClient(id: string, asked: NewManagementClient): Promise<ManagementClient>;
  /** Changes settings of a tenant: deep, null clears. Throws `invalid` (`invalid_default_client`), `conflict` (`setting_locked`). */
  changeSettings(id: string, patch: TenantSettings): Promise<Tenant | null>;
  /** What holds for a tenant, and where it comes from. */
  effectiveSettings(id: string): Promise<EffectiveSettings | null>;
  /**
   * Null when it is deleted already. Throws `not_found` (`tenant_not_found`), `forbidden` (`control_plane`) for the
   * control plane itself, as the three below do.
   */
  remove(id: string, options: { readonly purge: boolean; readonly initiator: string }): Promise<Accepted | null>;
  /** Throws `conflict` (`not_deleted`, `undelete_window_over`). */
  undelete(id: string, initiator: string): Promise<Accepted>;
  /** Throws `conflict` (`illegal_transition`). */
  suspend(id: string, initiator: string): Promise<void>;
  /** Throws `conflict` (`illegal_transition`). */
  reactivate(id: string, initiator: string): Promise<void>;
}
