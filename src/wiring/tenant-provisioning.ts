import type { DataAdapters, Organization } from "@authhero/adapter-interfaces";
import { organizationExists } from "../../provisioning/organization.ts";
import { ensureTenantKey, generateSigningKey, revokeTenantKeys } from "../auth/signing-keys.ts";
import { seedTenantDefaults } from "../auth/tenant-defaults.ts";
import type { TenantHookContext, TenantHooks } from "../auth/tenant-hooks.ts";
import { systemClock } from "../domain/clock.ts";
import { findNamed } from "../domain/pages.ts";
import type { DatabaseFactory } from "./database-factory.ts";
import { type FirstRights, rolesIn } from "./team.ts";

export interface ProvisioningNeeds {
  /** Default `control_plane`. */
  readonly controlPlaneTenantId?: string;
  /** Absent where all tenants share one database. */
  readonly databaseIsolation?: DatabaseFactory | undefined;
  /** What a creator gets in the new tenant's organization. */
  readonly accessControl?: FirstRights | undefined;
}

/**
 * What makes a row into a tenant, as hooks around the row: its database, its signing key, what every tenant starts
 * with, and its organization on the control plane, whose first member is its creator. Each finds what an earlier
 * attempt has made. After a deletion organization and database are removed, and its keys revoked.
 */
export function provisioning(needs: ProvisioningNeeds): TenantHooks {
  const { controlPlaneTenantId = "control_plane", databaseIsolation, accessControl = {} } = needs;
  return {
    async beforeCreate({ adapters }, tenant) {
      const { id = "" } = tenant;
      if (await findOrganization(adapters, controlPlaneTenantId, id)) throw organizationExists(id);
      return tenant;
    },

    async afterCreate(context, { id, friendly_name }) {
      const { adapters } = context;
      await databaseIsolation?.provision(id);
      const own = (await databaseIsolation?.getAdapters(id)) ?? adapters;
      await ensureTenantKey(adapters.keys, id, generateSigningKey);
      await seedTenantDefaults(own, id);
      const found = await findOrganization(adapters, controlPlaneTenantId, id);
      if (found && !standsFor(found, id)) throw organizationExists(id);
      const organization =
        found ?? (await adapters.organizations.create(controlPlaneTenantId, organizationOf(id, friendly_name)));
      await joinCreator(context, controlPlaneTenantId, organization.id, accessControl);
    },

    async afterDelete({ adapters }, id) {
      const organization = await findOrganization(adapters, controlPlaneTenantId, id);
      // One that somebody else has made before is not ours to remove.
      if (organization && standsFor(organization, id))
        await adapters.organizations.remove(controlPlaneTenantId, organization.id);
      await revokeTenantKeys(adapters.keys, id, systemClock());
      await databaseIsolation?.deprovision(id);
    },
  };
}

const organizationOf = (id: string, friendlyName: string) => ({
  name: id,
  display_name: friendlyName,
  metadata: { tenant_id: id },
});

const standsFor = ({ metadata }: Organization, id: string) => metadata?.tenant_id === id;

/** The organization of a name, however many there are; null when there is none. */
export const findOrganization = (
  { organizations }: Pick<DataAdapters, "organizations">,
  tenantId: string,
  name: string,
): Promise<Organization | null> =>
  findNamed(name, async (query) => (await organizations.list(tenantId, query)).organizations);

/** A creator that is a user of the control plane, and no machine, administers what it has made. */
async function joinCreator(
  { adapters, initiator }: TenantHookContext,
  tenantId: string,
  organizationId: string,
  rights: FirstRights,
): Promise<void> {
  const user = initiator === undefined ? null : await adapters.users.get(tenantId, initiator);
  if (!user) return;
  const { organizations } = await adapters.userOrganizations.listUserOrganizations(tenantId, user.user_id);
  if (!organizations.some(({ id }) => id === organizationId)) {
    await adapters.userOrganizations.create(tenantId, { user_id: user.user_id, organization_id: organizationId });
  }
  for (const roleId of await rolesIn({ tenantId, adapters }, rights)()) {
    await adapters.userRoles.create(tenantId, user.user_id, roleId, organizationId);
  }
}
