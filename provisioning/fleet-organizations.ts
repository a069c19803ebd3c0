import { SERVED } from "../src/domain/tenants.ts";
import type { FleetJob } from "./fleet.ts";
import { ensureOrganization, type OrganizationOf } from "./organization.ts";
import type { Registry } from "./registry.ts";

/** Stored with the job: what everybody is to have. */
const TARGET = "organization";

/** Whoever cannot have one is no reason to keep the others waiting: it says nothing about them. */
const ERROR_BUDGET = 1;

export interface OrganizationsJobOptions {
  readonly registry: Pick<Registry, "recordOrganization">;
  readonly organizationOf: OrganizationOf;
}

/** The job that gives an organization to every tenant that was made before there were any. */
export function createOrganizationsJob({ registry, organizationOf }: OrganizationsJobOptions): FleetJob {
  return {
    kind: "organizations",
    target: TARGET,
    errorBudget: ERROR_BUDGET,
    canary: "nobody",

    skips({ state, organizationId, location, restoreState }) {
      if (organizationId !== null) return "up_to_date";
      // The control plane's own placement has no database of a provider: it is no tenant.
      if (!location) return "no_database";
      // Making a tenant makes its organization; a deleted one needs it when it comes back.
      return SERVED.includes(state) || (state === "deleted" && restoreState !== null) ? null : "not_served";
    },

    work: (placement) => ensureOrganization(registry, organizationOf, placement, null),
  };
}
