import { SERVED } from "../src/domain/tenants.ts";
import type { FleetJob } from "./fleet.ts";
import type { Placement } from "./placements.ts";

/** That one tenant cannot be brought forward says nothing about the others. */
const ERROR_BUDGET = 1;

/** Stored with the job: what everybody is to have. Whatever is newest when a tenant has its turn. */
const TARGET = "shared";

export interface SyncJobOptions {
  /** Why a tenant's database must not be opened yet; null when it may. */
  readonly hindrance: (placement: Placement) => string | null;
  /** The version that everybody is to have; null when it is not known, and everybody is looked at. */
  readonly version: () => number | null;
  /** Brings a tenant forward, and notes it. */
  readonly bring: (tenantId: string) => Promise<void>;
}

/** The job that brings every tenant that is behind to what the control plane shares. The hint in its placement says who is. */
export function createSyncJob({ hindrance, version, bring }: SyncJobOptions): FleetJob {
  return {
    kind: "sync",
    target: TARGET,
    errorBudget: ERROR_BUDGET,
    canary: "nobody",

    skips(placement) {
      const reason = hindrance(placement);
      if (reason !== null) return reason;
      return placement.syncedVersion === version() ? "up_to_date" : null;
    },

    work: ({ tenantId }) => bring(tenantId),
  };
}

/** A database that was not migrated is not opened ahead of the canaries, and one that is not served not at all. */
export const syncHindrance =
  (migrationSkips: (placement: Placement) => string | null) =>
  (placement: Placement): string | null => {
    if (!SERVED.includes(placement.state)) return "not_served";
    if (!placement.location) return "no_database";
    return migrationSkips(placement) === "up_to_date" ? null : "not_migrated";
  };
