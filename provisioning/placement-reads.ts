import { type Kysely, type Selectable, sql } from "kysely";
import type { KeyRing } from "../src/db/seal.ts";
import type { Clock } from "../src/domain/clock.ts";
import type { Tag } from "../src/domain/names.ts";
import type { Lease } from "./operation-rows.ts";
import { type Placement, toPlacement } from "./placements.ts";
import type { PlacementRow, RegistryTables } from "./tables.ts";

const PAGE_ROWS_MAX = 100;

/** A page of placements in the order of tenant ids. */
export interface PlacementPage {
  /** Begins after this tenant id. */
  readonly from?: string;
  /** At most 100. */
  readonly take: number;
  /** Only ids that begin so. */
  readonly prefix?: string;
}

interface Reads {
  readonly db: Kysely<RegistryTables>;
  readonly keyRing: KeyRing;
  readonly clock: Clock;
}

/** The placements as they stand in the database: for those who are about to change them. */
export function createPlacementReads(db: Kysely<RegistryTables>, keyRing: KeyRing, clock: Clock) {
  const reads: Reads = { db, keyRing, clock };
  return {
    /** The placement of a tenant, null when there is none. */
    read: (tenantId: string): Promise<Placement | null> => readPlacement(reads, "tenant_id", tenantId),

    /** The placement that an operation is about; null when the lease on that is lost, and when there is none. */
    readUnder: (lease: Lease): Promise<Placement | null> => readUnder(reads, lease),

    /** The placements of a page of tenants, in one statement. */
    readAll: (tenantIds: readonly string[]): Promise<ReadonlyMap<string, Placement>> =>
      readPlacements(reads, tenantIds),

    /** The tenant whose living incarnation has the tag. */
    findByTag: (tag: Tag): Promise<Placement | null> => readPlacement(reads, "tag", tag),

    /** The tenant that an organization of the control plane administers, null when there is none. */
    findByOrganization: (organizationId: string): Promise<Placement | null> =>
      readPlacement(reads, "organization_id", organizationId),

    list: (page: PlacementPage): Promise<readonly Placement[]> => listPlacements(reads, page),

    /** The tenants whose time to be purged has come, the longest overdue first; at most 100. */
    due: (): Promise<readonly Placement[]> => listDue(reads),
  };
}

async function readPlacement({ db, keyRing }: Reads, column: "tenant_id" | "tag" | "organization_id", value: string) {
  const row = await db.selectFrom("rh_placements").selectAll().where(column, "=", value).executeTakeFirst();
  return row ? toPlacement(keyRing, row) : null;
}

async function readUnder({ db, keyRing }: Reads, { operationId, fence }: Lease) {
  const query = sql<Selectable<PlacementRow>>`select rh_placements.* from rh_operations join rh_placements
    using (tenant_id) where rh_operations.id = ${operationId} and fence = ${fence} and rh_operations.state = 'running'`;
  const [row] = (await query.execute(db)).rows;
  return row ? toPlacement(keyRing, row) : null;
}

async function readPlacements({ db, keyRing }: Reads, tenantIds: readonly string[]) {
  const rows = await db.selectFrom("rh_placements").selectAll().where("tenant_id", "in", tenantIds).execute();
  return new Map(rows.map((row) => [row.tenant_id, toPlacement(keyRing, row)]));
}

async function listPlacements({ db, keyRing }: Reads, { from, take, prefix }: PlacementPage) {
  let query = db.selectFrom("rh_placements").selectAll().orderBy("tenant_id").limit(Math.min(take, PAGE_ROWS_MAX));
  if (from !== undefined) query = query.where("tenant_id", ">", from);
  // A range uses the key, and % and _ mean nothing in it. Nothing sorts behind the last code point.
  if (prefix) query = query.where("tenant_id", ">=", prefix).where("tenant_id", "<", `${prefix}\u{10FFFF}`);
  return (await query.execute()).map((row) => toPlacement(keyRing, row));
}

async function listDue({ db, keyRing, clock }: Reads) {
  const query = db.selectFrom("rh_placements").selectAll().where("state", "=", "deleted");
  const rows = await query
    .where("purge_at", "<=", clock().toISOString())
    .orderBy("purge_at")
    .limit(PAGE_ROWS_MAX)
    .execute();
  return rows.map((row) => toPlacement(keyRing, row));
}
