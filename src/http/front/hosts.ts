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
  const destinationOf = createDestinations(rules, placements, domains);
  const ownerOfLabel = labelOwners(rules.resolveSubdomain, rules, placements);
  return async (c, next) => {
    const destination = await destinationOf(c.get("hostHeader"), (label) => ownerOfLabel(label, c));
    if (destination.host === null) return refuse(c, destination.refusal);
    c.set("host", destination.host);
    c.set("hostName", destination.hostName);
    return await next();
  };
}

/** Where a host leads, by which rule; else what everybody gets who asks for it. */
export type Destination = { readonly match: HostMatch } & (
  | {
      readonly host: Addressed;
      /** The name by which it was found, without port. */
      readonly hostName: string;
    }
  | { readonly host: null; readonly refusal: PlatformError | Refusal }
);

/** Answers where the host of a request leads. A label is its tenant's unless `ownerOfLabel` says otherwise. */
export function createDestinations(rules: HostRules, placements: Placements, domains: OwnDomains) {
  type OwnerOf = (label: string) => string | null | Promise<string | null>;
  const find = async (match: HostMatch, ownerOfLabel: OwnerOf) => {
    if (match.kind === "foreign") return await addressOfDomain(match.name, rules, placements, domains);
    if (match.kind === "nobody") return null;
    const tenantId = match.kind === "tenant" ? await ownerOfLabel(match.tenantId) : rules.controlPlaneTenantId;
    return tenantId === null ? null : await address(tenantId, rules, placements);
  };

  return async (header: string, ownerOfLabel: OwnerOf = (label) => label): Promise<Destination> => {
    const match = matchHost(header, rules);
    if (match.kind === "malformed") return { match, host: null, refusal: MISDIRECTED };
    if (match.kind === "unknown") return { match, host: null, refusal: unknownHost() };
    const host = await find(match, ownerOfLabel);
    if (host !== null) return { match, host, hostName: nameIn(match, rules) };
    return { match, host, refusal: match.kind === "foreign" ? unknownHost() : tenantNotFound() };
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
