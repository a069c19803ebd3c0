import type { Fleet, FleetJob } from "../../provisioning/fleet.ts";
import type { FleetKind } from "../../provisioning/fleet-journal.ts";
import { createKeysJob } from "../../provisioning/fleet-keys.ts";
import { createMigrationJob } from "../../provisioning/fleet-migration.ts";
import { createOrganizationsJob } from "../../provisioning/fleet-organizations.ts";
import { createReconcileJob } from "../../provisioning/fleet-reconcile.ts";
import { createRotationJob } from "../../provisioning/fleet-rotation.ts";
import { startFleetJob } from "../../provisioning/fleet-start.ts";
import {
  createSyncCheckJob,
  createSyncJob,
  createSyncPlanJob,
  type SyncCheckOptions,
  type SyncJobOptions,
  type SyncPlanOptions,
} from "../../provisioning/fleet-sync.ts";
import type { Journal } from "../../provisioning/journal.ts";
import type { Lifecycle } from "../../provisioning/lifecycle.ts";
import type { OrganizationOf } from "../../provisioning/organization.ts";
import type { Providers } from "../../provisioning/ownership.ts";
import type { AnyFindingKind } from "../../provisioning/reconcile/findings.ts";
import { createRecordedFindings } from "../../provisioning/reconcile/recorded-findings.ts";
import type { Template } from "../../provisioning/template.ts";
import type { Clock } from "../domain/clock.ts";
import { SEALED_IN_TENANTS } from "../entities/index.ts";
import type { Logger } from "../log/logger.ts";
import type { ControlPlane } from "./control-plane.ts";
import { reconcilerOf } from "./reconciling.ts";
import { SEALED_IN_CONTROL_PLANE } from "./seal-check.ts";

export interface FleetJobNeeds {
  readonly controlPlane: ControlPlane;
  readonly providers: Providers;
  readonly template: Template;
  readonly lifecycle: Lifecycle;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly organizationOf: OrganizationOf;
  readonly sync: SyncJobOptions & Omit<SyncCheckOptions & SyncPlanOptions, "findings">;
}

/**
 * Every job over many tenants, by the kind it is stored under: each call is a new job. `target`: what it is stored with,
 * where that says what is to be done.
 */
export type FleetJobs = Readonly<Record<FleetKind, (target?: string) => FleetJob>>;

/** Each kind has a row: a new one does not compile until it has. */
export function createFleetJobs(needs: FleetJobNeeds): FleetJobs {
  const { controlPlane, providers, template, lifecycle, organizationOf } = needs;
  const { registry } = controlPlane;
  const reconciling = reconcilerOf(needs);
  const findings = createRecordedFindings<AnyFindingKind>(controlPlane.database, needs.clock);
  const checking = { ...needs.sync, findings };
  return {
    migrate: () => createMigrationJob({ registry, providers, template }),
    organizations: () => createOrganizationsJob({ registry, organizationOf }),
    "rotate-credentials": () => createRotationJob(lifecycle, providers),
    sync: () => createSyncJob(needs.sync),
    "sync-plan": (target) => createSyncPlanJob(target, checking),
    "sync-verify": () => createSyncCheckJob("sync-verify", checking),
    "sync-repair": () => createSyncCheckJob("sync-repair", checking),
    "rotate-keys": () =>
      createKeysJob({
        ...{ keyRing: controlPlane.keyRing, providers, findings, schemaVersion: template.schemaVersion },
        processes: controlPlane.processes,
        controlPlane: { ...controlPlane, sealed: SEALED_IN_CONTROL_PLANE },
        sealed: SEALED_IN_TENANTS,
      }),
    reconcile: () => createReconcileJob("reconcile", reconciling),
    "reconcile-report": () => createReconcileJob("reconcile-report", reconciling),
  };
}

interface Starting {
  readonly jobs: FleetJobs;
  /** Brings tenants forward to what is shared. */
  readonly kept: { start(): void; stop(): Promise<void> };
  readonly log: Logger;
}

/** Begins what every start has to catch up with, behind the requests. */
export function startFleetJobs(fleet: Fleet, { jobs, kept, log }: Starting) {
  const migrations = startFleetJob(fleet, jobs.migrate(), log);
  const organizations = startFleetJob(fleet, jobs.organizations(), log);
  // Opening a database migrates it: nobody is brought forward ahead of the canaries.
  void migrations.ended.then(kept.start);
  return {
    /** Settles when the migrations are over, halted or stopped. */
    migrated: migrations.ended,

    async stop(): Promise<void> {
      await migrations.stop();
      await organizations.stop();
      await kept.stop();
    },
  };
}
