import type { FleetJob } from "../../provisioning/fleet.ts";
import type { FleetKind } from "../../provisioning/fleet-journal.ts";
import { createMigrationJob } from "../../provisioning/fleet-migration.ts";
import { createRotationJob } from "../../provisioning/fleet-rotation.ts";
import type { Lifecycle } from "../../provisioning/lifecycle.ts";
import type { Providers } from "../../provisioning/ownership.ts";
import type { Template } from "../../provisioning/template.ts";
import type { ControlPlane } from "./control-plane.ts";

export interface FleetJobNeeds {
  readonly controlPlane: ControlPlane;
  readonly providers: Providers;
  readonly template: Template;
  readonly lifecycle: Lifecycle;
}

/** Every job over many tenants, by the kind it is stored under: each call is a new job. */
export type FleetJobs = Readonly<Record<FleetKind, () => FleetJob>>;

/** Each kind has a row: a new one does not compile until it has. */
export function createFleetJobs({ controlPlane, providers, template, lifecycle }: FleetJobNeeds): FleetJobs {
  const { registry } = controlPlane;
  return {
    migrate: () => createMigrationJob({ registry, providers, template }),
    "rotate-credentials": () => createRotationJob(lifecycle, providers),
  };
}
