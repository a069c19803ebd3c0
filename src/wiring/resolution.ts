import { readStanding } from "../../provisioning/standing.ts";
import type { Config } from "../config.ts";
import { type Clock, systemClock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import type { TenantState } from "../domain/tenants.ts";
import { claimsOf, createCustomDomains } from "../entities/custom-domains.ts";
import { createStore, type Store } from "../entities/store.ts";
import type { Destination } from "../http/front/hosts.ts";
import { createResolution, type HostAnswer } from "../http/front/resolution.ts";
import { recordNameOf } from "../tenancy/domain-names.ts";
import type { HostRules } from "../tenancy/hosts.ts";
import { hostRules, placementView } from "./host-rules.ts";
import type { Visit } from "./visit.ts";

/** Why a host leads to a tenant, or to nobody. */
export interface HostExplanation {
  readonly host: string;
  /** The rules in their order, each with what it found; those behind one that decides are not asked. */
  readonly rules: readonly { readonly rule: string; readonly matches: boolean; readonly found: string }[];
  /** The tenant that the name stands for, served or not. */
  readonly tenant: TenantStanding | null;
  /** Its canonical origin; null where requests do not get to it. */
  readonly origin: string | null;
  readonly answers: readonly HostAnswer[];
  /** Whether people can sign in there. */
  readonly served: boolean;
}

interface TenantStanding {
  readonly id: string;
  readonly state: TenantState;
  readonly purge_at: string | null;
  readonly provider: string;
  readonly database: string;
  readonly generation: number;
  /** Null for the control plane's own, which is migrated at the start. */
  readonly is_up_to_date: boolean | null;
}

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
  const rules = hostRules(config);
  const store = createStore(visit.database, { clock });
  const { getByDomain } = createCustomDomains(store);
  const resolve = createResolution(
    rules,
    {
      get: async (tenantId) => {
        const standing = await readStanding(visit.database, tenantId);
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
  const tenant = tenantId === null ? null : await standingOf(visit, tenantId);
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

async function standingOf({ database, schemaVersion }: Visit, tenantId: string): Promise<TenantStanding | null> {
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
