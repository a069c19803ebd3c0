import type { NewOrganization } from "../../provisioning/organization.ts";
import type { Placement } from "../../provisioning/placements.ts";
import type { Statement } from "../db/database.ts";
import { PlatformError } from "../domain/errors.ts";
import { prefixedId } from "../domain/ids.ts";
import { organizationAbsent, organizationInsert, organizationPurge } from "../entities/organizations.ts";
import type { OrganizationOwners } from "../tenancy/tenant-organizations.ts";
import type { ControlPlane } from "./control-plane.ts";

/** How a tenant's organization is made: it bears the tenant's id as its name. One that got lost keeps its id. */
export const organizationIn =
  ({ tenantId: controlPlaneTenantId, store, adapters }: ControlPlane) =>
  async ({ tenantId, organizationId }: Placement): Promise<NewOrganization> => {
    const tenant = await adapters.tenants.get(tenantId);
    if (!tenant) throw new PlatformError("internal", "tenant_row_missing", `The tenant ${tenantId} has no row`);
    const organization = {
      id: organizationId ?? prefixedId("org"),
      name: tenantId,
      display_name: tenant.friendly_name,
    };
    return {
      id: organization.id,
      statements: [organizationInsert(store, controlPlaneTenantId, organization).compile()],
    };
  };

/** A statement that stops the batch of a claim when somebody has made an organization of that name before. */
export const noOrganizationYet = ({ tenantId, store }: ControlPlane, name: string): Statement =>
  organizationAbsent(store, tenantId, name).compile();

/** Which organizations stand for tenants, asked of the registry itself. */
export const organizationOwners = ({ registry }: ControlPlane): OrganizationOwners => ({
  isTenant: async (name) => (await registry.read(name)) !== null,
  standsForTenant: async (organizationId) => (await registry.findByOrganization(organizationId)) !== null,
});

/** The statements that end a tenant's organization, and everybody's membership in it. */
export const organizationPurgeIn = (
  { tenantId, store }: ControlPlane,
  { organizationId }: Pick<Placement, "organizationId">,
): Statement[] =>
  organizationId === null
    ? []
    : organizationPurge(store, tenantId, organizationId).map((statement) => statement.compile());
