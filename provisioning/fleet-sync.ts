import { SERVED } from "../src/domain/tenants.ts";
import type { FleetJob } from "./fleet.ts";
import type { Placement } from "./placements.ts";
import type { AnyFindingKind, Finding, SyncFindingKind, SyncPlanFindingKind } from "./reconcile/findings.ts";
import type { RecordedFindings } from "./reconcile/recorded-findings.ts";

/** That one tenant cannot be brought forward says nothing about the others. */
const ERROR_BUDGET = 1;

/** Stored with the job: what everybody is to have. Whatever is newest when a tenant has its turn. */
export const TARGET = "shared";

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

/** A tenant's disagreement with what is shared, and what it is about: an entity by its identifier or name. */
export type SyncFinding = Pick<Finding<SyncFindingKind>, "kind" | "subject" | "detail">;

export interface SyncCheckOptions extends Pick<SyncJobOptions, "hindrance"> {
  /** How a tenant differs from what is shared now. */
  readonly look: (tenantId: string) => Promise<readonly SyncFinding[]>;
  /** Makes it equal, but for what is the tenant's own. */
  readonly repair: (tenantId: string) => Promise<void>;
  readonly findings: Pick<RecordedFindings<AnyFindingKind>, "record">;
}

/**
 * The job that compares every tenant's rows with what is shared, whatever versions say, and writes down what differs.
 * One that repairs makes it equal. A collision is left: which of the two is meant, only people know.
 */
export function createSyncCheckJob(kind: "sync-verify" | "sync-repair", options: SyncCheckOptions): FleetJob {
  const { hindrance, look, repair, findings } = options;
  return {
    kind,
    target: TARGET,
    errorBudget: ERROR_BUDGET,
    canary: "nobody",
    skips: hindrance,

    async work({ tenantId }, lease) {
      const found = (await look(tenantId)).map((each) => ({ ...each, tenantId, provider: null }));
      for (const each of found) await findings.record(lease, each);
      if (kind === "sync-verify" || found.length === 0) return;
      await repair(tenantId);
      for (const each of found) {
        await findings.record(lease, each, each.kind === "sync_collision" ? "left" : "repaired");
      }
    },
  };
}

/** What would be done in a tenant, and to what. */
export type SyncPlanFinding = Pick<Finding<SyncPlanFindingKind>, "kind" | "subject" | "detail">;

export interface SyncPlanOptions extends Pick<SyncJobOptions, "hindrance"> {
  /** What a change would do, given as what the job is stored with: first whether it can be made at all. */
  readonly proposed: (target: string) => {
    readonly requirePossible: () => Promise<unknown>;
    readonly plan: (tenantId: string) => Promise<readonly SyncPlanFinding[]>;
  };
  readonly findings: Pick<RecordedFindings<AnyFindingKind>, "record">;
}

/** The job that writes down what a change would do in every tenant before it is made: nothing else is written. */
export function createSyncPlanJob(target: string | undefined, options: SyncPlanOptions): FleetJob {
  const { hindrance, findings } = options;
  const { requirePossible, plan } = options.proposed(target ?? TARGET);
  return {
    kind: "sync-plan",
    target: target ?? TARGET,
    errorBudget: ERROR_BUDGET,
    canary: "nobody",
    skips: hindrance,
    requirePossible,

    async work({ tenantId }, lease) {
      for (const each of await plan(tenantId)) await findings.record(lease, { ...each, tenantId, provider: null });
    },
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
