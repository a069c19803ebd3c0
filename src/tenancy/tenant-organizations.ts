import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";

/** What the registry says of the control plane's organizations. */
export interface OrganizationOwners {
  /** Whether there is a tenant of this id, in whatever state. */
  isTenant(name: string): Promise<boolean>;
  /** Whether an organization stands for a tenant. */
  standsForTenant(organizationId: string): Promise<boolean>;
}

/**
 * Keeps the organizations that stand for tenants out of reach of the plain organization routes: they come, go and are
 * called with their tenants. Their other fields, and all other organizations, are the administrators' own.
 *
 * `conflict` (`organization_is_tenants`) for the name of a tenant, `forbidden` (`tenant_organization`) for renaming or
 * removing a tenant's.
 */
export function keepTenantOrganizations(
  adapters: DataAdapters,
  controlPlaneTenantId: string,
  owners: OrganizationOwners,
): DataAdapters {
  const { organizations } = adapters;
  const requireFree = async (name: string) => {
    if (name !== controlPlaneTenantId && !(await owners.isTenant(name.toLowerCase()))) return;
    throw new PlatformError("conflict", "organization_is_tenants", `name: ${name} is a tenant's`);
  };
  const requireOwn = async (id: string) => {
    if (!(await owners.standsForTenant(id))) return;
    const message = "This organization stands for a tenant: it is called and removed with it";
    throw new PlatformError("forbidden", "tenant_organization", message);
  };

  return {
    ...adapters,
    organizations: {
      ...organizations,

      async create(tenantId, input, options) {
        if (tenantId !== controlPlaneTenantId) return await organizations.create(tenantId, input, options);
        await requireFree(input.name);
        const created = await organizations.create(tenantId, input, options);
        // A tenant of the name may have been claimed in between; whoever claims it from here on sees this one.
        await requireFree(input.name).catch(async (error: unknown) => {
          await organizations.remove(tenantId, created.id);
          throw error;
        });
        return created;
      },

      async update(tenantId, id, patch) {
        if (tenantId !== controlPlaneTenantId || patch.name === undefined) {
          return await organizations.update(tenantId, id, patch);
        }
        const before = await organizations.get(tenantId, id);
        if (!before || before.name === patch.name) return await organizations.update(tenantId, id, patch);
        await requireOwn(id);
        await requireFree(patch.name);
        const updated = await organizations.update(tenantId, id, patch);
        await requireFree(patch.name).catch(async (error: unknown) => {
          await organizations.update(tenantId, id, { name: before.name });
          throw error;
        });
        return updated;
      },

      async remove(tenantId, id) {
        if (tenantId === controlPlaneTenantId) await requireOwn(id);
        return await organizations.remove(tenantId, id);
      },
    },
    transaction: (work) =>
      adapters.transaction((inside) => work(keepTenantOrganizations(inside, controlPlaneTenantId, owners))),
  };
}
