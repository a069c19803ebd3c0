import type { Tenant, TenantsDataAdapter } from "@authhero/adapter-interfaces";
import { PlatformError } from "../../domain/errors.ts";
import type { TenantState } from "../../domain/tenants.ts";
import type { Router } from "../router.ts";

/** What AuthHero knows of a tenant's life: it may serve it, must wait, or never will. Null: there is none any more. */
const PROVISIONING: Readonly<Record<TenantState, Tenant["provisioning_state"] | null>> = {
  pending: "pending",
  provisioning: "pending",
  ready: "ready",
  suspended: "ready",
  read_only: "ready",
  failed: "failed",
  deleting: null,
  deleted: null,
};

/** Tenant rows stand in the control plane; whether one is there and ready is the registry's word alone. */
export function routeTenants(router: Router): TenantsDataAdapter {
  const on = router.onControlPlane;
  return {
    list: (params) => on(({ tenants }) => tenants.list(params)),
    update: (id, tenant) => on(({ tenants }) => tenants.update(id, withoutLifecycle(tenant))),
    create: () => refuse("created"),
    remove: () => refuse("removed"),

    async get(id) {
      const [tenant, state] = await Promise.all([on(({ tenants }) => tenants.get(id)), router.directory.stateOf(id)]);
      const provisioning_state = state && PROVISIONING[state];
      return tenant && provisioning_state ? { ...tenant, provisioning_state } : null;
    },
  };
}

/** The registry's, not the tenant's: AuthHero's own routes would take them from a request. */
const LIFECYCLE: readonly string[] = [
  "provisioning_state",
  "provisioning_error",
  "provisioning_state_changed_at",
  "deployment_type",
  "storage_kind",
  "d1_database_id",
  "worker_script_name",
  "worker_version",
  "bundle_configuration",
  "database_version",
];

const withoutLifecycle = (tenant: Partial<Tenant>): Partial<Tenant> =>
  Object.fromEntries(Object.entries(tenant).filter(([field]) => !LIFECYCLE.includes(field)));

function refuse(what: string): Promise<never> {
  const message = `Tenants are ${what} through the tenants API, which also takes care of their database`;
  return Promise.reject(new PlatformError("invalid", "use_lifecycle", message));
}
