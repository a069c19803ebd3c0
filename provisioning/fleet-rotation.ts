import { SERVED } from "../src/domain/tenants.ts";
import type { FleetJob } from "./fleet.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Providers } from "./ownership.ts";
import { canRotate } from "./rotation.ts";

/** Every failure is a tenant that nobody can serve: more than one in a hundred is not bad luck. */
const ERROR_BUDGET = 0.01;

/** Stored with the job. Who had a turn is written down, so going on with one rotates nobody twice. */
const TARGET = "new credentials";

/** Who asks for each tenant's operation; who has asked for the job stands there. */
const INITIATOR = "fleet";

/** The job that gives every served tenant's database new credentials, as an operation of each tenant. */
export function createRotationJob(lifecycle: Pick<Lifecycle, "rotate">, providers: Providers): FleetJob {
  return {
    kind: "rotate-credentials",
    target: TARGET,
    errorBudget: ERROR_BUDGET,

    skips(placement) {
      if (!SERVED.includes(placement.state)) return "not_served";
      // The control plane's own placement has none.
      if (!placement.location) return "no_database";
      if (!Object.hasOwn(providers, placement.provider)) return "provider_unknown";
      return canRotate(providers, placement) ? null : "not_supported";
    },

    work: async ({ tenantId }) => await (await lifecycle.rotate(tenantId, { initiator: INITIATOR })).ended,
  };
}
