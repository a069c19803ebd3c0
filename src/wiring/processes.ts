import type { Fleet } from "../../provisioning/fleet.ts";
import { type Following, startFollowing } from "../../provisioning/following.ts";
import type { Pool } from "../../provisioning/pool.ts";
import type { Clock } from "../domain/clock.ts";
import { SERVED } from "../domain/tenants.ts";
import type { Logger } from "../log/logger.ts";
import type { ControlPlane } from "./control-plane.ts";

interface FollowedBy {
  readonly pool: Pick<Pool<unknown>, "evict">;
  readonly fleet: Pick<Fleet, "settled">;
  readonly log: Logger;
  readonly clock: Clock;
  /** Called when other processes have died. */
  readonly left: () => void;
  /** Called when something of the control plane's own has changed. */
  readonly shared: () => Promise<void>;
}

/** Lets what other processes change take effect here, and lets them know that it has. */
export function followOthers(controlPlane: ControlPlane, options: FollowedBy): Following {
  const { pool, fleet, log, clock, left, shared } = options;
  const { processes, registry, outage, openedAt } = controlPlane;
  return startFollowing({
    processes,
    registry,
    outage,
    from: openedAt,
    log,
    clock,
    left,
    async letGo({ tenantId, placement }) {
      if (tenantId === controlPlane.tenantId) await shared();
      const isServed = placement !== null && SERVED.includes(placement.state);
      if (isServed) return await pool.evict(tenantId, placement);
      // A migration under way uses the database, too.
      await Promise.all([pool.evict(tenantId), fleet.settled(tenantId)]);
    },
  });
}
