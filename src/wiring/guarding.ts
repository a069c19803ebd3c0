import type { DataAdapters } from "@authhero/adapter-interfaces";
import { createReadCache } from "../../provisioning/read-cache.ts";
import { MANAGEMENT_API_AUDIENCE } from "../auth/management-api.ts";
import { allowsOrganizations } from "../auth/organization-grants.ts";
import { createKeyOwners } from "../auth/signing-keys.ts";
import type { Clock } from "../domain/clock.ts";
import { isMember } from "../entities/user-organizations.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Lookups } from "./front.ts";
import { placementView } from "./host-rules.ts";

/** What the front's guard looks up: placements, key owners, memberships and client grants. */
export function createLookups(controlPlane: ControlPlane, data: DataAdapters, clock: Clock) {
  const { tenantId, registry, store, adapters, outage } = controlPlane;
  // An organization is one tenant's for as long as it lives; whether it still is, the placement says.
  const owners = createReadCache(async (id) => (await registry.findByOrganization(id))?.tenantId ?? null, clock);
  const affiliations = createReadCache(async (key) => {
    const [, organizationId, subject] = JSON.parse(key) as [number, string, string];
    const belongs =
      (await isMember(store, tenantId, organizationId, subject)) ||
      (await allowsOrganizations(adapters.clientGrants, tenantId, subject, MANAGEMENT_API_AUDIENCE));
    return belongs || null;
  }, clock);

  return {
    isAway: () => outage.since() !== null,
    placements: {
      async get(id) {
        const placement = await registry.get(id);
        return placement && placementView(placement);
      },
      ofOrganization: (organizationId) => owners.get(organizationId),
    },
    keys: createKeyOwners(adapters.keys, tenantId, clock),
    affiliations: {
      async belongs(organizationId, subject) {
        // Every change of a membership or a grant raises the epoch, and an old answer is asked for no more.
        const { epoch = 0 } = (await registry.get(tenantId)) ?? {};
        return (await affiliations.get(JSON.stringify([epoch, organizationId, subject]))) !== null;
      },
    },
    organizationGrants: {
      allow: (id, clientId, audience) => allowsOrganizations(data.clientGrants, id, clientId, audience),
    },
  } satisfies Lookups;
}
