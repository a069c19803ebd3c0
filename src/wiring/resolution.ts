import { readStanding } from "../../provisioning/standing.ts";
import type { Config } from "../config.ts";
import { migrationHash } from "../db/migrate.ts";
import { type Clock, systemClock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { claimsOf, createCustomDomains } from "../entities/custom-domains.ts";
import { createStore, type Store } from "../entities/store.ts";
import type { Destination } from "../http/front/hosts.ts";
import { createResolution } from "../http/front/resolution.ts";
import type { ExplainHost, HostExplanation } from "../http/hosts/router.ts";
import { recordNameOf } from "../tenancy/domain-names.ts";
import type { HostRules } from "../tenancy/hosts.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Additions } from "./front.ts";
import { hostRules, placementView } from "./host-rules.ts";
import type { Visit } from "./visit.ts";

/**
 * Asks the rules of the front where a host leads, in a control plane that is only looked at.
 * Throws `invalid` (`invalid_host`) for what is no host, and `conflict` (`control_plane_behind`).
 */
export async function explainHost(
  visit: Visit,
  config: Config,
  host: string,
  clock: Clock = systemClock,
): Promise<HostExplanation> {
  requireCurrent(visit);
  return await explained(visit, { rules: hostRules(config), host, clock });
}

interface ExplainingNeeds {
  readonly config: Config;
  readonly additions: Pick<Additions, "subdomains">;
  readonly clock: Clock;
}

/** The same for a house that serves: what it answers to, it knows best itself. */
export function hostExplanations({ database }: Pick<ControlPlane, "database">, needs: ExplainingNeeds): ExplainHost {
  const { config, additions, clock } = needs;
  return async (host) => {
    if (additions.subdomains?.resolveSubdomain) throw decidedElsewhere();
    const schemaVersion = await migrationHash(["tenant"]);
    return await explained({ database, schemaVersion }, { rules: hostRules(config, additions), host, clock });
  };
}

type Registered = Pick<Visit, "database" | "schemaVersion">;

interface Asked {
  readonly rules: HostRules;
  readonly host: string;
  readonly clock: Clock;
}

async function explained(registered: Registered, { rules, host, clock }: Asked): Promise<HostExplanation> {
  const { database } = registered;
  const store = createStore(database, { clock });
  const { getByDomain } = createCustomDomains(store);
  const resolve = createResolution(
    rules,
    {
      get: async (tenantId) => {
        const standing = await readStanding(database, tenantId);
        return standing && placementView(standing);
      },
      // Nobody's organization decides where a host leads.
      ofOrganization: () => Promise.resolve(null),
    },
    { ownerOf: async (name) => (await getByDomain(name))?.tenant_id ?? null },
  );
  const { destination, answers } = await resolve(host);
  if (destination.match.kind === "malformed") throw noHost();

  const { rules: found, tenantId } = await rulesAt(destination, rules, store);
  const tenant = tenantId === null ? null : await standingOf(registered, tenantId);
  return {
    host,
    rules: found,
    tenant,
    origin: destination.host?.origin.href ?? null,
    answers,
    served: answers[0]?.outcome !== "refused",
  };
}

function requireCurrent({ pending }: Visit): void {
  if (pending.length === 0) return;
  const lacks = pending.map(({ set, id }) => `${set}/${id}`).join(", ");
  const message = `The control plane lacks ${lacks}. Bring it up to date first: rowhouse init, or start the service.`;
  throw new PlatformError("conflict", "control_plane_behind", message);
}

/** It is asked with a request in hand, and may answer by that. */
const decidedElsewhere = () =>
  new PlatformError(
    "invalid",
    "not_explained",
    "host: which tenant a label leads to is decided by subdomainRouting.resolveSubdomain, request by request",
  );

const noHost = () =>
  new PlatformError(
    "invalid",
    "invalid_host",
    "host: must be as in a request's Host header: a name like acme.example.com, with or without a port, without scheme and path; an internationalised one as punycode (xn--…)",
  );

type Rule = HostExplanation["rules"][number];

/** What the match says of each rule, and the tenant that the rule which matched names. */
async function rulesAt({ match }: Destination, rules: HostRules, store: Store) {
  const own = rules.issuer.hostname;
  const matched = (rule: string, found: string): Rule => ({ rule, matches: true, found });
  const missed = (rule: string, found: string): Rule => ({ rule, matches: false, found });
  const notIssuer = missed("control plane", `no: the host of ISSUER is ${own}`);
  const pattern = `{tenant}.${rules.baseDomain}`;

  switch (match.kind) {
    case "control-plane":
      return {
        rules: [matched("control plane", "yes: it is the host of ISSUER")],
        tenantId: rules.controlPlaneTenantId,
      };
    case "tenant":
      return {
        rules: [notIssuer, matched("sub-domain", `yes: ${match.tenantId} stands before BASE_DOMAIN, as in ${pattern}`)],
        tenantId: match.tenantId,
      };
    case "nobody":
      return {
        rules: [notIssuer, missed("sub-domain", `no: it is like ${pattern}, but no tenant can have such an id`)],
        tenantId: null,
      };
    case "foreign": {
      const { rule, tenantId } = await customDomain(match.name, store);
      return { rules: [notIssuer, missed("sub-domain", `no: it is not like ${pattern}`), rule], tenantId };
    }
    case "unknown":
      return { rules: [notIssuer, ...UNKNOWN[match.why](pattern)], tenantId: null };
    case "malformed":
      throw noHost();
  }
}

const UNKNOWN = {
  reserved: (pattern: string) => [
    { rule: "sub-domain", matches: false, found: `no: it is like ${pattern}, but the label is reserved` },
  ],
  ours: (pattern: string) => [
    { rule: "sub-domain", matches: false, found: `no: it is not like ${pattern}, with exactly one label in front` },
    { rule: "custom domain", matches: false, found: "no: a name of this installation, or below one, is nobody's own" },
  ],
  no_domain: (pattern: string) => [
    { rule: "sub-domain", matches: false, found: `no: it is not like ${pattern}` },
    { rule: "custom domain", matches: false, found: "no: it is no domain, and cannot be claimed" },
  ],
};

/** Whose the name is, and who would like it to be theirs. */
async function customDomain(name: string, store: Store): Promise<{ rule: Rule; tenantId: string | null }> {
  const claims = await claimsOf(store, name);
  const proved = claims.find(({ status }) => status === "ready");
  if (proved) {
    const found = `yes: ${proved.tenant_id} has proved it`;
    return { rule: { rule: "custom domain", matches: true, found }, tenantId: proved.tenant_id };
  }
  const claimants = claims.map(({ tenant_id }) => tenant_id).join(", ");
  const found =
    claimants === ""
      ? "no: no tenant has claimed it"
      : `no: claimed by ${claimants}, but not proved by a TXT record at ${recordNameOf(name)}`;
  return { rule: { rule: "custom domain", matches: false, found }, tenantId: null };
}

async function standingOf(
  { database, schemaVersion }: Registered,
  tenantId: string,
): Promise<HostExplanation["tenant"]> {
  const standing = await readStanding(database, tenantId);
  if (!standing) return null;
  return {
    id: tenantId,
    state: standing.state,
    purge_at: standing.purgeAt,
    provider: standing.provider,
    database: standing.database,
    generation: standing.generation,
    is_up_to_date: standing.schemaVersion === null ? null : standing.schemaVersion === schemaVersion,
  };
}
