import { tenantUnavailable } from "../tenant-refusals.ts";
import { refuse } from "./answer.ts";
import type { Middleware } from "./exchange.ts";
import { isOpen } from "./guard.ts";
import { isManagement } from "./routes.ts";

/**
 * While the control plane is away the Management API answers 503: who may do what is not decided from what was known
 * before, because a right may have been taken away since. At once, so that nobody waits for a server that does not
 * answer, and without a line in the log for each.
 */
export function managementAway(isAway: () => boolean): Middleware {
  return async (c, next) => {
    const draft = c.get("draft");
    if (!isAway() || !isManagement(draft.path) || isOpen(draft)) return await next();
    return refuse(c, tenantUnavailable());
  };
}
