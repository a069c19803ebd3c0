import { PlatformError } from "../../domain/errors.ts";
import { type HostRules, matchHost, originOf } from "../../tenancy/hosts.ts";
import { tenantNotFound } from "../tenant-refusals.ts";
import { type Refusal, refuse } from "./answer.ts";
import type { Addressed, Middleware, Placements } from "./exchange.ts";

/**
 * Finds the tenant of the host. Unknown hosts get 404 `unknown_host`, what is no host name at all 421, and a name of
 * ours that no living tenant has 404 `tenant_not_found`: on every route, before authentication. A deleted tenant's
 * host answers exactly as if it had never been.
 */
export function hosts(rules: HostRules, placements: Placements): Middleware {
  return async (c, next) => {
    const match = matchHost(c.get("hostHeader"), rules);
    if (match.kind === "malformed") return refuse(c, MISDIRECTED);
    if (match.kind === "unknown") return refuse(c, unknownHost());
    const tenantId = match.kind === "tenant" ? match.tenantId : rules.controlPlaneTenantId;
    const host = match.kind === "nobody" ? null : await address(tenantId, rules, placements);
    if (host === null) return refuse(c, tenantNotFound());
    c.set("host", host);
    return await next();
  };
}

/** A tenant with its origin and placement; null when it does not exist, or no more. */
export async function address(tenantId: string, rules: HostRules, placements: Placements): Promise<Addressed | null> {
  const origin = originOf(tenantId, rules);
  if (tenantId === rules.controlPlaneTenantId) return { tenantId, origin, placement: null };
  const placement = await placements.get(tenantId);
  if (placement === null || placement.state === "deleting" || placement.state === "deleted") return null;
  return { tenantId, origin, placement };
}

const unknownHost = () => new PlatformError("not_found", "unknown_host", "This server does not answer to that name.");

// RFC 9110, section 15.5.20.
const MISDIRECTED: Refusal = {
  status: 421,
  error: "Misdirected Request",
  errorCode: "unknown_host",
  message: "The request names no host.",
};
