import type { DataAdapters, Tenant } from "@authhero/adapter-interfaces";
import { MANAGEMENT_API_AUDIENCE } from "../auth/management-api.ts";
import { allowsOrganizations } from "../auth/organization-grants.ts";
import { createKeyOwners } from "../auth/signing-keys.ts";
import type { Clock } from "../domain/clock.ts";
import type { OrganizationOwners } from "../tenancy/tenant-organizations.ts";
import type { Lookups } from "./front.ts";
import { organizationsOf } from "./plain-tenants.ts";
import { findOrganization } from "./tenant-provisioning.ts";

export interface PlainLookupsNeeds {
  readonly controlPlaneTenantId: string;
  /** The control plane's, in which the tenants' rows are. */
  readonly adapters: DataAdapters;
  /** Every tenant's data. */
  readonly data: DataAdapters;
  readonly clock: Clock;
}

/**
 * What the front's guard looks up where rows are all there is. A tenant is a row, its life began when the row was made,
 * and the organization of its name stands for it. Asked each time: nothing here says that an answer has become old.
 */
export function createPlainLookups({ controlPlaneTenantId, adapters, data, clock }: PlainLookupsNeeds): Lookups {
  const { tenants, organizations, clientGrants } = adapters;
  return {
    placements: {
      async get(id) {
        const row = await tenants.get(id);
        if (!row) return null;
        const organization = await findOrganization(adapters, controlPlaneTenantId, id);
        return { state: "ready", began: beginning(row), organizationId: organization?.id ?? null, domains: [] };
      },
      async ofOrganization(organizationId) {
        const { name } = (await organizations.get(controlPlaneTenantId, organizationId)) ?? {};
        const isChilds = name !== undefined && name !== controlPlaneTenantId && (await tenants.get(name)) !== null;
        return isChilds ? name : null;
      },
    },
    keys: createKeyOwners(adapters.keys, controlPlaneTenantId, clock),
    affiliations: {
      async belongs(organizationId, subject) {
        const joined = await organizationsOf(adapters, controlPlaneTenantId, subject);
        if (joined.some(({ id }) => id === organizationId)) return true;
        return await allowsOrganizations(clientGrants, controlPlaneTenantId, subject, MANAGEMENT_API_AUDIENCE);
      },
    },
    organizationGrants: {
      allow: (id, clientId, audience) => allowsOrganizations(data.clientGrants, id, clientId, audience),
    },
  };
}

/** Which organizations stand for tenants: those of a tenant's name. */
export const plainOrganizationOwners = (
  { tenants }: Pick<DataAdapters, "tenants">,
  { ofOrganization }: Pick<Lookups["placements"], "ofOrganization">,
): OrganizationOwners => ({
  isTenant: async (name) => (await tenants.get(name)) !== null,
  standsForTenant: async (organizationId) => (await ofOrganization(organizationId)) !== null,
});

/** A row that does not say when it was made has always been there. */
const beginning = ({ created_at }: Tenant) => new Date(created_at ?? 0);
