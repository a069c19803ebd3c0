import type { Fleet } from "../../provisioning/fleet.ts";
import type { Lifecycle } from "../../provisioning/lifecycle.ts";
import { startUpkeep, type UpkeepOptions } from "../auth/upkeep.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { CustomDomains } from "./custom-domains.ts";
import { servedTenants } from "./every-placement.ts";
import { type FleetJobs, startFleetJobs } from "./fleet-jobs.ts";
import { startOperations } from "./operations.ts";
import type { KeptTenants } from "./sync.ts";

interface BackgroundNeeds extends Pick<UpkeepOptions, "data" | "keys" | "log" | "clock"> {
  readonly lifecycle: Lifecycle;
  readonly jobs: FleetJobs;
  readonly fleet: Fleet;
  readonly kept: KeptTenants;
  readonly auditing: { sweep(): Promise<unknown> };
  readonly domains: CustomDomains;
}

/** What the house does by itself, behind the requests. */
export function startBackground(controlPlane: ControlPlane, needs: BackgroundNeeds) {
  const { lifecycle, jobs, fleet, kept, data, keys, auditing, domains, log, clock } = needs;
  const operations = startOperations(lifecycle, log);
  const migration = jobs.migrate();
  const fleetJobs = startFleetJobs(fleet, { jobs, kept, log });
  const upkeep = startUpkeep({
    data,
    async *tenants() {
      // Opening a database migrates it: housekeeping must not run ahead of the canaries, nor past a halt.
      await fleetJobs.migrated;
      yield* servedTenants(controlPlane.registry, (placement) => migration.skips(placement) === null);
    },
    keys,
    ifFree: controlPlane.leases.ifFree,
    sweepShared: () =>
      Promise.all([controlPlane.registry.directories.sweepStates(), auditing.sweep(), domains.sweep()]),
    originOf: domains.originOf,
    log,
    clock,
  });
  return {
    upkeep,
    async stop() {
      await fleetJobs.stop();
      await operations.stop();
      await upkeep.stop();
    },
  };
}
