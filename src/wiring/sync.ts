import type { Placement } from "../../provisioning/placements.ts";
import { isOperatorsScope, LIFECYCLE_SCOPES, MANAGEMENT_API_AUDIENCE } from "../auth/management-api.ts";
import type { Store } from "../entities/store.ts";
import { applyShared } from "../sync/apply.ts";
import { readShared } from "../sync/control-plane.ts";
import type { SyncOptions, SyncRules } from "../sync/rules.ts";
import type { ControlPlane } from "./control-plane.ts";

/** AuthHero's own, made when the control plane is set up. */
const ADMIN_ROLE = "Tenant Admin";

const NOTHING: SyncOptions = { resourceServers: false, roles: false, connections: false };

/** On the control plane they are about tenants; in a tenant they would be about nothing. */
const LIFECYCLE: ReadonlySet<string> = new Set(LIFECYCLE_SCOPES.map(({ value }) => value));

const rulesOf = (options: SyncOptions): SyncRules => ({
  ...options,
  managementAudience: MANAGEMENT_API_AUDIENCE,
  adminRole: ADMIN_ROLE,
  isOperatorsScope: (scope) => isOperatorsScope(scope) || LIFECYCLE.has(scope),
});

/** Keeps what the control plane shares equal in every tenant. */
export function createSync({ store, tenantId }: ControlPlane, options: SyncOptions | false = {}) {
  const rules = rulesOf(options || NOTHING);

  return {
    /** Brings a tenant to what is shared now. Repeating it is harmless. */
    async apply(child: Store, { tenantId: childId }: Placement): Promise<void> {
      await applyShared(child, childId, await readShared(store, tenantId, rules), rules.onCollision);
    },
  };
}

export type Sync = ReturnType<typeof createSync>;
