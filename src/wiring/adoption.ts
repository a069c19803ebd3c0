import type { Started } from "../../provisioning/lifecycle.ts";
import type { Database } from "../db/database.ts";
import type { Store } from "../entities/store.ts";
import type { CreateTenant } from "../http/tenants/schemas.ts";
import type { ControlPlane } from "./control-plane.ts";
import { beginTenant, type TenantMaking } from "./creations.ts";

/** Makes tenants that have had a life elsewhere. They are served when everything they had is copied. */
export interface Adoption {
  /** The control plane's, to look at. */
  readonly database: Database;
  /** As `POST /tenants` does, but for the copy in between. */
  begin(tenant: CreateTenant): Promise<Started>;
  /** Goes on with one that was interrupted, or has failed; null when there is none. */
  resume(tenantId: string): Promise<Started | null>;
}

/** Copies what a tenant that is being made has had elsewhere. May be called again after a crash. */
export type Adopt = (into: {
  readonly tenantId: string;
  readonly store: Store;
  readonly controlPlane: ControlPlane;
}) => Promise<void>;

/** For the journal. */
const INITIATOR = "rowhouse adopt";

export function createAdoption(making: Omit<TenantMaking, "find">): Adoption {
  const { lifecycle, controlPlane } = making;
  return {
    database: controlPlane.database,
    begin: (tenant) => beginTenant(making, tenant, { initiator: INITIATOR, adopting: true }),
    resume: async (tenantId) =>
      (await lifecycle.resume(tenantId, "adopt")) ?? (await lifecycle.restart(tenantId, { initiator: INITIATOR })),
  };
}
