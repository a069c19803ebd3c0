import type { Database, Statement } from "../../src/db/database.ts";
import type { Clock } from "../../src/domain/clock.ts";
import type { Journal } from "../journal.ts";
import type { Lifecycle } from "../lifecycle.ts";
import type { OrganizationOf } from "../organization.ts";
import type { Providers } from "../ownership.ts";
import type { Registry } from "../registry.ts";

/** So long a thing may be on its way: longer than the longest pause between two attempts, and than any request. */
export const GRACE_MS = 600_000;

/** Everything is gone through in pages of so many. */
export const PAGE_ROWS = 100;

/** An organization of the control plane, as far as it matters here. */
export interface KnownOrganization {
  readonly id: string;
  readonly name: string;
  /** ISO 8601; null where that is not known. */
  readonly createdAt: string | null;
}

/** What lies beside the registry in the control plane's database, and the applications in a tenant's. */
export interface ControlPlaneRecords {
  /** The ids of tenants with a row of their own, in the order of SQLite's bytes, after an id. */
  tenantIds(after: string, take: number): Promise<readonly string[]>;
  hasTenantRow(tenantId: string): Promise<boolean>;
  organization(id: string): Promise<KnownOrganization | null>;
  /** In the order of their ids, after an id. */
  organizations(after: string, take: number): Promise<readonly KnownOrganization[]>;
  /** The statement that names an organization. */
  naming(organizationId: string, name: string): Statement;
  /** The ids of the applications in a tenant's database, in the order of SQLite's bytes, after an id. */
  clientIds(database: Database, tenantId: string, after: string, take: number): Promise<readonly string[]>;
}

export interface ReconcileNeeds {
  readonly registry: Registry;
  readonly journal: Journal;
  readonly lifecycle: Pick<Lifecycle, "resume" | "restart" | "remove" | "purge">;
  /** The control plane's. */
  readonly database: Database;
  readonly providers: Providers;
  readonly records: ControlPlaneRecords;
  readonly organizationOf: OrganizationOf;
  /** It is a tenant, too, but its database is no provider's. */
  readonly controlPlaneTenantId: string;
  readonly clock: Clock;
}

/** Everything that a question by page has to tell, one after the other. */
export async function* everyPage<T>(
  ask: (after: string) => Promise<readonly T[]>,
  keyOf: (item: T) => string,
): AsyncIterable<readonly T[]> {
  let page = await ask("");
  while (page.length > 0) {
    yield page;
    const last = page.at(-1);
    page = last === undefined ? [] : await ask(keyOf(last));
  }
}
