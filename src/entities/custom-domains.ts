import type { CustomDomain, CustomDomainInsert, CustomDomainsAdapter } from "@authhero/adapter-interfaces";
import { type Compilable, sql } from "kysely";
import { plainId } from "../domain/ids.ts";
import { type Column, doc, text } from "./columns.ts";
import { arrayOf, crud, decoded, newRow } from "./crud.ts";
import { entity, storedColumns } from "./entity.ts";
import { insertWhere } from "./insert-where.ts";
import { nowOf, type Store } from "./store.ts";

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

/** Every tenant's claim of a domain, the proved one first; claims whose time is over are none. */
export async function claimsOf(
  store: Store,
  domain: string,
): Promise<(CustomDomain & { readonly tenant_id: string })[]> {
  const rows = await store.db
    .selectFrom(customDomains.table)
    .select(["tenant_id", ...storedColumns(customDomains)])
    .where("domain", "=", domain.toLowerCase())
    .orderBy(sql`status = 'ready'`, "desc")
    .orderBy("tenant_id")
    .limit(CLAIMS_MAX)
    .execute();
  return rows
    .map((row) => ({ ...decoded(store, customDomains, row.tenant_id, row), tenant_id: row.tenant_id }))
    .filter((claim) => isLiveDomain(store, claim));
}

/** Whoever asks wants to know who is in the way; more than this is somebody's joke. */
const CLAIMS_MAX = 20;

/** What a claim says besides Auth0's words: until when it can be proved, or since when it is. */
export type Verification = NonNullable<CustomDomain["verification"]> & {
  readonly expires_at?: string;
  readonly verified_at?: string;
};

/** Not proved in time. One without a time was never to be proved. */
const EXPIRES_AT = sql<string>`coalesce(json_extract(doc, '$.verification.expires_at'), '')`;
const UNPROVED = ["pending", "pending_verification"];

/**
 * The INSERT of a tenant's claim, which does nothing when the tenant has `limit` domains already. A claim of the same
 * domain is `conflict` (`unique_violation`).
 */
export function domainClaim(
  store: Store,
  tenantId: string,
  input: CustomDomainInsert,
  { verification, limit }: { readonly verification: Verification; readonly limit: number },
): Compilable {
  const claim = { ...input, status: "pending_verification", verification };
  const row = newRow(store, customDomains, tenantId, claim);
  const isBelow = sql<boolean>`(select count(*) from custom_domains where tenant_id = ${tenantId}) < ${limit}`;
  return insertWhere(store, customDomains.table, row, isBelow);
}

/** Makes a claim a verified domain, if it is still the claim that was proved. Somebody else's: `unique_violation`. */
export const domainProof = (store: Store, tenantId: string, id: string, record: string) =>
  store.db
    .updateTable(customDomains.table)
    .set({
      status: "ready",
      doc: sql`json_set(json_remove(doc, '$.verification.expires_at'), '$.verification.verified_at', ${nowOf(store)})`,
    })
    .where("tenant_id", "=", tenantId)
    .where("custom_domain_id", "=", id)
    .where("status", "in", UNPROVED)
    .where(EXPIRES_AT, ">", nowOf(store))
    .where(sql`json_extract(doc, '$.verification.methods[0].record')`, "=", record);

/** Removes claims whose time is over: of all tenants, or of one. */
export function expiredClaims(store: Store, tenantId?: string) {
  const claims = store.db
    .deleteFrom(customDomains.table)
    .where("status", "in", UNPROVED)
    .where(EXPIRES_AT, "<=", nowOf(store));
  return tenantId === undefined ? claims : claims.where("tenant_id", "=", tenantId);
}

/** Whether it is verified, or can still be. */
export function isLiveDomain(store: Pick<Store, "clock">, { status, verification }: CustomDomain): boolean {
  const { expires_at = "" }: Partial<Verification> = verification ?? {};
  return !UNPROVED.includes(status) || expires_at > store.clock().toISOString();
}
