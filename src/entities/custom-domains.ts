import type { CustomDomain, CustomDomainInsert, CustomDomainsAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { type Column, doc, text } from "./columns.ts";
import { arrayOf, crud, decoded } from "./crud.ts";
import { entity, storedColumns } from "./entity.ts";
import type { Store } from "./store.ts";

/** Host names are the same in any case (RFC 4343), and AuthHero asks for them in lower case. */
const host = (): Column<string> => ({ ...text(), encode: (value) => value.toLowerCase() });

/** Names of their own at which tenants are reached. */
export const customDomains = entity<CustomDomain, CustomDomainInsert>({
  table: "custom_domains",
  key: "custom_domain_id",
  columns: {
    custom_domain_id: text(),
    domain: host(),
    status: text(),
    primary: doc(),
    type: doc(),
    verification_method: doc(),
    tls_policy: doc(),
    custom_client_ip_header: doc(),
    domain_metadata: doc(),
    origin_domain_name: doc(),
    verification: doc(),
  },
  defaults: () => ({ custom_domain_id: plainId(), status: "pending", primary: false }),
  order: [["domain", "asc"]],
  cascade: [["proxy_routes", "custom_domain_id"]],
});

/**
 * The `customDomains` adapter. A tenant claims a domain once, and of all tenants that claim it one can be verified
 * (`status` ready); anything else is `conflict` (`unique_violation`). Only a verified domain leads to its tenant.
 */
export function createCustomDomains(store: Store): CustomDomainsAdapter {
  const { create, get, update, remove } = crud(store, customDomains, { as: "custom_domains" });
  return {
    create,
    get,
    update,
    remove,
    list: (tenantId) => arrayOf(store, customDomains, tenantId),

    async getByDomain(domain) {
      const row = await store.db
        .selectFrom(customDomains.table)
        .select(["tenant_id", ...storedColumns(customDomains)])
        .where("domain", "=", domain.toLowerCase())
        .where("status", "=", "ready")
        .executeTakeFirst();
      return row ? { ...decoded(store, customDomains, row.tenant_id, row), tenant_id: row.tenant_id } : null;
    },
  };
}
