import { randomBytes } from "node:crypto";
import type { CustomDomain, CustomDomainInsert } from "@authhero/adapter-interfaces";
import { createReadCache } from "../../provisioning/read-cache.ts";
import type { Clock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import {
  domainClaim,
  domainProof,
  expiredClaims,
  isLiveDomain,
  type Verification,
} from "../entities/custom-domains.ts";
import type { OwnDomains } from "../http/front/exchange.ts";
import type { VerifyDomain } from "../http/front/verify-domain.ts";
import { type DomainDesk, domainTaken, keepCustomDomains } from "../tenancy/custom-domains.ts";
import { DomainName, recordNameOf } from "../tenancy/domain-names.ts";
import { canBeClaimed, canonicalOrigin, type HostRules, issuersOf } from "../tenancy/hosts.ts";
import { hasTxtRecord, type ResolveTxt } from "../tenancy/txt-records.ts";
import type { ControlPlane } from "./control-plane.ts";

/** A tenant has one name, and another while it moves; what is more is for brands. Claims count. */
const DOMAINS_MAX = 10;

/** How long a claim can be proved. */
const CLAIM_MS = 7 * 86_400_000;

/** Nobody guesses it, and it says what it is for: the record stays in a zone for years. */
const newRecord = () => `rowhouse-verification=${randomBytes(24).toString("base64url")}`;

interface Needs {
  readonly rules: HostRules;
  readonly resolveTxt: ResolveTxt;
  readonly clock: Clock;
}

/** The domains of their own that tenants claim, prove and are found by. */
export function createCustomDomains(controlPlane: ControlPlane, { rules, resolveTxt, clock }: Needs) {
  const { adapters, registry, store, outage } = controlPlane;
  const owners = createReadCache(
    async (name) => (await adapters.customDomains.getByDomain(name))?.tenant_id ?? null,
    clock,
    outage,
  );

  const desk: DomainDesk = {
    isLive: (domain) => isLiveDomain(store, domain),
    primaryOf: async (tenantId) => (await registry.read(tenantId))?.domains[0],
    removed: ({ domain }) => owners.forget(domain),

    async claim(tenantId, input) {
      const claim = claimOf(tenantId, input, rules);
      const expires_at = new Date(clock().getTime() + CLAIM_MS).toISOString();
      const verification = { methods: [methodOf(claim.domain)], expires_at };
      const insert = domainClaim(store, tenantId, claim, { verification, limit: DOMAINS_MAX });
      const [, inserted] = await store
        .batch([expiredClaims(store, tenantId), insert])
        .catch(rethrow((cause) => alreadyClaimed(claim.domain, cause)));
      if (inserted?.changes === 0) throw tooMany();
      // What AuthHero keeps of the tenant between requests is now old.
      await registry.raiseEpoch(tenantId);
      const made = (await adapters.customDomains.list(tenantId)).find(({ domain }) => domain === claim.domain);
      if (made) return made;
      throw new PlatformError("conflict", "domain_removed", "The claim was removed while it was made");
    },
  };

  /** Adds why it is not verified, in Auth0's words. */
  const unproved = (domain: CustomDomain, { domain: name, record }: TxtMethod): CustomDomain => {
    const error_msg = `${name} has no TXT record ${record}`;
    const verification: object = { ...domain.verification, status: "failed", error_msg };
    return { ...domain, verification: verification as Verification };
  };

  const { customDomains } = keepCustomDomains(adapters, desk);
  const verify: VerifyDomain = async (tenantId, id) => {
    const domain = await customDomains.get(tenantId, id);
    const method = domain?.verification?.methods.find(isTxt);
    if (!domain || domain.status === "ready" || !method) return domain;
    if (!(await hasTxtRecord(resolveTxt, method.domain, method.record))) return unproved(domain, method);

    const proved = domainProof(store, tenantId, id, method.record).execute();
    await registry
      .writing(tenantId, proved)
      .finally(() => owners.forget(domain.domain))
      .catch(rethrow((cause) => domainTaken(domain.domain, cause)));
    return await customDomains.get(tenantId, id);
  };

  const names: OwnDomains = { ownerOf: (name) => owners.get(name) };
  return {
    desk,
    verify,
    names,
    ...createOrigins(controlPlane, rules),
    /** Removes the claims that were not proved in time. */
    sweep: () => expiredClaims(store).execute(),
  };
}

export type CustomDomains = ReturnType<typeof createCustomDomains>;

function createOrigins({ registry }: ControlPlane, rules: HostRules) {
  const domainsOf = async (tenantId: string) => (await registry.get(tenantId))?.domains ?? [];
  return {
    /** The canonical origin of a tenant. */
    originOf: async (tenantId: string): Promise<URL> => canonicalOrigin(tenantId, rules, await domainsOf(tenantId)),

    /** Its origins under all its names: tokens live on when another name becomes the canonical one. */
    otherIssuers: async (tenantId: string): Promise<readonly string[]> =>
      issuersOf(tenantId, rules, await domainsOf(tenantId)),
  };
}

type TxtMethod = Extract<Verification["methods"][number], { name: "txt" }>;
const isTxt = (method: Verification["methods"][number]): method is TxtMethod => method.name === "txt";
const methodOf = (domain: string) => ({ name: "txt" as const, record: newRecord(), domain: recordNameOf(domain) });

/** What is claimed, with its one spelling. Its id is ours to give. */
function claimOf(tenantId: string, { custom_domain_id: _id, ...input }: CustomDomainInsert, rules: HostRules) {
  const { data: domain, error } = DomainName.safeParse(input.domain);
  if (error) throw invalid(error.issues.map(({ message }) => message).join("; "));
  if (!canBeClaimed(domain, rules)) throw invalid("is a name of this installation, or below one");
  if (tenantId === rules.controlPlaneTenantId) throw invalid("the control plane has one name, the host of ISSUER");
  return { ...input, domain };
}

const invalid = (problem: string) => new PlatformError("invalid", "invalid_domain", `domain: ${problem}`);

const alreadyClaimed = (domain: string, cause: unknown) =>
  new PlatformError("conflict", "domain_claimed", `domain: this tenant has claimed ${domain} already`, { cause });

const tooMany = () =>
  new PlatformError("conflict", "too_many_domains", `domain: a tenant has at most ${DOMAINS_MAX} custom domains`);

/** Says what a unique key means here; what else goes wrong stays what it is. */
const rethrow =
  (meaning: (cause: unknown) => PlatformError) =>
  (error: unknown): never => {
    throw error instanceof PlatformError && error.reason === "unique_violation" ? meaning(error) : error;
  };
