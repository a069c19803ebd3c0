import type { NewOrganization, OrganizationOf } from "../../provisioning/organization.ts";
import type { Placement } from "../../provisioning/placements.ts";
import type { Statement } from "../db/database.ts";
import { PlatformError } from "../domain/errors.ts";
import { prefixedId } from "../domain/ids.ts";
import { organizationAbsent, organizationInsert, organizationPurge } from "../entities/organizations.ts";
import { membershipInsert } from "../entities/user-organizations.ts";
import type { OrganizationOwners } from "../tenancy/tenant-organizations.ts";
import type { ControlPlane } from "./control-plane.ts";

/**
 * How a tenant's organization is made: it bears the tenant's id as its name, and its creator, if that is a user of
 * the control plane and no machine, belongs to it in the roles that every first administrator gets. One that got lost
 * keeps its id.
 */
export const organizationIn =
  (controlPlane: ControlPlane, firstRoles: () => Promise<readonly string[]>): OrganizationOf =>
  async ({ tenantId, organizationId }, creator): Promise<NewOrganization> => {
    const { tenantId: controlPlaneTenantId, store, adapters } = controlPlane;
    const tenant = await adapters.tenants.get(tenantId);
    if (!tenant) throw new PlatformError("internal", "tenant_row_missing", `The tenant ${tenantId} has no row`);
    const organization = {
      id: organizationId ?? prefixedId("org"),
      name: tenantId,
      display_name: tenant.friendly_name,
    };
    const user = creator === null ? null : await adapters.users.get(controlPlaneTenantId, creator);
    const membership = user && {
      userId: user.user_id,
      organizationId: organization.id,
      roleIds: await firstRoles(),
    };
    return {
      id: organization.id,
      statements: [
        organizationInsert(store, controlPlaneTenantId, organization),
        ...(membership ? membershipInsert(store, controlPlaneTenantId, membership) : []),
      ].map((statement) => statement.compile()),
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
