import { PlatformError } from "../../domain/errors.ts";
import { canonicalOrigin, type HostMatch, type HostRules, matchHost, originOf } from "../../tenancy/hosts.ts";
import { tenantNotFound } from "../tenant-refusals.ts";
import { type Refusal, refuse } from "./answer.ts";
import type { Addressed, Exchange, Middleware, OwnDomains, Placements } from "./exchange.ts";

/** Answers the tenant that a label below the base domain stands for; null for none. */
export type ResolveLabel = (label: string, c: Exchange) => LabelOwner | Promise<LabelOwner>;

type LabelOwner = string | null | undefined;

/**
 * Finds the tenant of the host. Unknown hosts get 404 `unknown_host`, what is no host name at all 421, and a name of
 * ours that no living tenant has 404 `tenant_not_found`: on every route, before authentication. A deleted tenant's
 * hosts answer exactly as if they had never been.
 */
export function hosts(
  rules: HostRules & { readonly resolveSubdomain?: ResolveLabel },
  placements: Placements,
  domains: OwnDomains,
): Middleware {
  const ownerOfLabel = labelOwners(rules.resolveSubdomain, rules, placements);
  const find = async (match: HostMatch, c: Exchange) => {
    if (match.kind === "foreign") return await addressOfDomain(match.name, rules, placements, domains);
    if (match.kind === "nobody") return null;
    const tenantId = match.kind === "tenant" ? await ownerOfLabel(match.tenantId, c) : rules.controlPlaneTenantId;
    return tenantId === null ? null : await address(tenantId, rules, placements);
  };

  return async (c, next) => {
    const match = matchHost(c.get("hostHeader"), rules);
    if (match.kind === "malformed") return refuse(c, MISDIRECTED);
    if (match.kind === "unknown") return refuse(c, unknownHost());
    const host = await find(match, c);
    if (host === null) return refuse(c, match.kind === "foreign" ? unknownHost() : tenantNotFound());
    c.set("host", host);
    c.set("hostName", nameIn(match, rules));
    return await next();
  };
}

/** The name by which somebody was found, without port. */
function nameIn(match: HostMatch, rules: HostRules): string {
  if (match.kind === "foreign") return match.name;
  return originOf(match.kind === "tenant" ? match.tenantId : rules.controlPlaneTenantId, rules).hostname;
}

/**
 * Who is asked may give a tenant further labels, or take its own away. Another tenant's own it cannot give: there that
 * one is the issuer.
 */
const labelOwners =
  (resolve: ResolveLabel | undefined, { controlPlaneTenantId }: HostRules, placements: Placements) =>
  async (label: string, c: Exchange): Promise<string | null> => {
    const tenantId = resolve ? ((await resolve(label, c)) ?? null) : label;
    if (tenantId === label || tenantId === null) return tenantId;
    const isTaken = tenantId === controlPlaneTenantId || (await placements.get(label)) !== null;
    return isTaken ? null : tenantId;
  };

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
