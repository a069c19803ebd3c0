import type { CustomDomain, CustomDomainInsert, DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";

/** Where domains are claimed and proved. */
export interface DomainDesk {
  /**
   * Enters a claim, with the record that proves it. `invalid` (`invalid_domain`); `conflict`: `domain_claimed` by this
   * tenant already, `too_many_domains`.
   */
  claim(tenantId: string, input: CustomDomainInsert): Promise<CustomDomain>;
  /** Whether a domain is verified or can still be: a claim whose time is over is none. */
  isLive(domain: CustomDomain): boolean;
  /** A tenant's canonical domain; undefined when it has none of its own. */
  primaryOf(tenantId: string): Promise<string | undefined>;
  /** The domain leads nowhere any more. */
  removed(domain: CustomDomain): void;
}

/**
 * Custom domains as the Management API shows them: what is claimed can be proved, what was not proved in time is not
 * there, and `primary` is the one that is the tenant's canonical name.
 */
export function keepCustomDomains(adapters: DataAdapters, desk: DomainDesk): DataAdapters {
  const { customDomains } = adapters;
  const shown = async (tenantId: string, domains: readonly CustomDomain[]): Promise<CustomDomain[]> => {
    const live = domains.filter(desk.isLive);
    const primary = live.length === 0 ? undefined : await desk.primaryOf(tenantId);
    return live.map((domain) => ({ ...domain, primary: domain.domain === primary }));
  };
  const find = async (tenantId: string, id: string): Promise<CustomDomain | null> => {
    const domain = await customDomains.get(tenantId, id);
    const [live] = await shown(tenantId, domain ? [domain] : []);
    return live ?? null;
  };

  return {
    ...adapters,
    customDomains: {
      ...customDomains,
      create: (tenantId, input) => desk.claim(tenantId, input),
      get: find,
      list: async (tenantId) => shown(tenantId, await customDomains.list(tenantId)),
      async update(tenantId, id, patch) {
        return (await find(tenantId, id)) !== null && (await customDomains.update(tenantId, id, patch));
      },
      async remove(tenantId, id) {
        const domain = await customDomains.get(tenantId, id);
        const isRemoved = await customDomains.remove(tenantId, id);
        if (domain) desk.removed(domain);
        return isRemoved;
      },
    },
    transaction: (work) => adapters.transaction((inside) => work(keepCustomDomains(inside, desk))),
  };
}

export const domainTaken = (domain: string, cause?: unknown) =>
  new PlatformError("conflict", "domain_taken", `domain: ${domain} has been verified by another tenant`, { cause });
