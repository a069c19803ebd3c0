import { PlatformError } from "../../domain/errors.ts";
import { canonicalOrigin, type HostRules, matchHost, originOf } from "../../tenancy/hosts.ts";
import { tenantNotFound } from "../tenant-refusals.ts";
import { type Refusal, refuse } from "./answer.ts";
import type { Addressed, Middleware, OwnDomains, Placements } from "./exchange.ts";

/**
 * Finds the tenant of the host. Unknown hosts get 404 `unknown_host`, what is no host name at all 421, and a name of
 * ours that no living tenant has 404 `tenant_not_found`: on every route, before authentication. A deleted tenant's
 * hosts answer exactly as if they had never been.
 */
export function hosts(rules: HostRules, placements: Placements, domains: OwnDomains): Middleware {
  return async (c, next) => {
    const match = matchHost(c.get("hostHeader"), rules);
    if (match.kind === "malformed") return refuse(c, MISDIRECTED);
    if (match.kind === "unknown") return refuse(c, unknownHost());
    if (match.kind === "nobody") return refuse(c, tenantNotFound());
    if (match.kind === "foreign") {
      const owner = await addressOfDomain(match.name, rules, placements, domains);
      if (owner === null) return refuse(c, unknownHost());
      c.set("host", owner);
      c.set("hostName", match.name);
      return await next();
    }
    const tenantId = match.kind === "tenant" ? match.tenantId : rules.controlPlaneTenantId;
    const host = await address(tenantId, rules, placements);
    if (host === null) return refuse(c, tenantNotFound());
    c.set("host", host);
    c.set("hostName", originOf(tenantId, rules).hostname);
    return await next();
  };
}

/** The tenant that has verified the domain and has it still, in this life of its id. */
async function addressOfDomain(name: string, rules: HostRules, placements: Placements, domains: OwnDomains) {
  const tenantId = await domains.ownerOf(name);
  const owner = tenantId === null ? null : await address(tenantId, rules, placements);
  return owner?.placement?.domains.includes(name) ? owner : null;
}

/** A tenant with its canonical origin and placement; null when it does not exist, or no more. */
export async function address(tenantId: string, rules: HostRules, placements: Placements): Promise<Addressed | null> {
  if (tenantId === rules.controlPlaneTenantId) return { tenantId, origin: originOf(tenantId, rules), placement: null };
  const placement = await placements.get(tenantId);
  if (placement === null || placement.state === "deleting" || placement.state === "deleted") return null;
  return { tenantId, origin: canonicalOrigin(tenantId, rules, placement.domains), placement };
}

const unknownHost = () => new PlatformError("not_found", "unknown_host", "This server does not answer to that name.");

// RFC 9110, section 15.5.20.
const MISDIRECTED: Refusal = {
  status: 421,
  error: "Misdirected Request",
  errorCode: "unknown_host",
  message: "The request names no host.",
};
