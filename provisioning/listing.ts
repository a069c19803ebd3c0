import { Kysely, type SelectQueryBuilder, sql } from "kysely";
import type { Database } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { RegistryTables } from "./tables.ts";

/** A listing of tenants, by pages or from where the page before ended. */
export interface TenantQuery {
  /** A prefix of the id or of the friendly name, in any case. */
  readonly prefix?: string | undefined;
  readonly sortBy: "id" | "friendly_name" | "created_at";
  readonly order: "asc" | "desc";
  /** Rows to skip, or where to go on: what `next` said. */
  readonly start: { readonly offset: number } | { readonly after: string | undefined };
  readonly take: number;
  readonly counted: boolean;
  /** Only the tenants whose organization this user belongs to, and the organization's own. Absent: all of them. */
  readonly member?: Member;
}

/** Somebody on the control plane who sees some tenants. */
export interface Member {
  readonly controlPlaneTenantId: string;
  readonly userId: string;
  readonly organizationId: string | undefined;
}

export interface TenantIds {
  readonly ids: readonly string[];
  readonly total: number | null;
  /** Where a further page begins, if there is one. */
  readonly next: string | null;
}

/** The tenants' own rows, as far as a list is ordered and narrowed by them. */
interface Tables extends RegistryTables {
  tenants: { id: string; friendly_name: string; created_at: number };
  user_organizations: { tenant_id: string; user_id: string; organization_id: string };
}

/** Ids of the tenants that the registry has, in order. Throws `invalid` (`invalid_cursor`) for a `from` that is none. */
export async function listTenantIds(database: Database, query: TenantQuery): Promise<TenantIds> {
  const db = new Kysely<Tables>({ dialect: database.dialect });
  const sortColumn = `tenants.${query.sortBy}` as const;
  const page = rowsAfter(matching(db, query), query)
    .select(["tenants.id", sql<string | number>`${sql.ref(sortColumn)}`.as("sort")])
    .orderBy(sortColumn, query.order)
    .orderBy("tenants.id", query.order)
    .limit(query.take + 1)
    .offset("offset" in query.start ? query.start.offset : 0);
  const count = matching(db, query).select(sql<number>`count(*)`.as("total"));
  const [rows, counted] = await Promise.all([page.execute(), query.counted ? count.executeTakeFirstOrThrow() : null]);
  const shown = rows.slice(0, query.take);
  const last = shown.at(-1);
  return {
    ids: shown.map(({ id }) => id),
    total: counted?.total ?? null,
    next: rows.length > query.take && last ? encode([last.sort, last.id]) : null,
  };
}

type Matching = SelectQueryBuilder<Tables, "tenants" | "rh_placements", object>;

/** Only what the registry knows, a row without a placement is no tenant; and not what is deleted. */
function matching(db: Kysely<Tables>, { prefix, member }: TenantQuery): Matching {
  const all = db
    .selectFrom("tenants")
    .innerJoin("rh_placements", "rh_placements.tenant_id", "tenants.id")
    .where("rh_placements.state", "!=", "deleted");
  const seen = member ? all.where("tenants.id", "in", visibleTo(db, member)) : all;
  if (!prefix) return seen;
  // Ranges use the indexes, and % and _ mean nothing in them. Nothing sorts behind the last code point.
  const id = prefix.toLowerCase();
  return seen.where(
    sql<boolean>`((tenants.id >= ${id} and tenants.id < ${`${id}\u{10FFFF}`}) or
      (tenants.friendly_name collate nocase >= ${prefix} and
       tenants.friendly_name collate nocase < ${`${prefix}\u{10FFFF}`}))`,
  );
}

/** The ids of the tenants that somebody sees: few, and found by the index of memberships. */
function visibleTo(db: Kysely<Tables>, { controlPlaneTenantId, userId, organizationId }: Member) {
  const joined = db
    .selectFrom("user_organizations")
    .select("organization_id")
    .where("tenant_id", "=", controlPlaneTenantId)
    .where("user_id", "=", userId);
  return db
    .selectFrom("rh_placements")
    .select("rh_placements.tenant_id")
    .where(({ or, eb }) =>
      or([
        eb("rh_placements.organization_id", "in", joined),
        eb("rh_placements.organization_id", "=", organizationId ?? null),
      ]),
    );
}

function rowsAfter(rows: Matching, { start, sortBy, order }: TenantQuery): Matching {
  if (!("after" in start) || start.after === undefined) return rows;
  const [sortValue, id] = decode(start.after);
  const further = sql.raw(order === "asc" ? ">" : "<");
  return rows.where(sql<boolean>`(${sql.ref(`tenants.${sortBy}`)}, tenants.id) ${further} (${sortValue}, ${id})`);
}

const encode = (place: readonly [string | number, string]) => Buffer.from(JSON.stringify(place)).toString("base64url");

function decode(cursor: string): readonly [string | number, string] {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Array.isArray(place) && place.length === 2 && typeof place[1] === "string") {
      const [sortValue, id] = place as [unknown, string];
      if (typeof sortValue === "string" || typeof sortValue === "number") return [sortValue, id];
    }
  } catch {
    // Said below, the same for everything that is no cursor.
  }
  throw new PlatformError("invalid", "invalid_cursor", "from: is not the `next` of an earlier page");
}
