import {
  type AnalyticsAdapter,
  type AnalyticsGroupBy,
  type AnalyticsQueryParams,
  type AnalyticsQueryResponse,
  type AnalyticsResource,
  buildRefreshTokenRetention,
  buildSessionRetention,
  MONDAY_EPOCH_SHIFT_MS,
  type SessionRetentionRawRow,
  sessionRetentionWindow,
  WEEK_MS,
} from "@authhero/adapter-interfaces";
import { type RawBuilder, sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import { bucketOf } from "./analytics-time.ts";
import { rowsOf } from "./crud.ts";
import { logs } from "./logs.ts";
import type { Rows } from "./page.ts";
import { refreshTokens } from "./refresh-tokens.ts";
import { sessions } from "./sessions.ts";
import type { Store } from "./store.ts";

const ROWS_MAX = 10_000;

/**
 * Which log types a resource counts. `refresh-tokens` counts refreshes, succeeded and failed; AuthHero's own adapter
 * counts code exchanges (`seacft`) in the place of `sertft`, which its name does not promise.
 */
const TYPES: Readonly<Record<AnalyticsResource, readonly string[]>> = {
  "active-users": ["s", "seacft"],
  logins: ["s", "f", "fp"],
  signups: ["ss", "fs"],
  "refresh-tokens": ["sertft", "fertft"],
  sessions: ["slo"],
  logouts: ["slo", "flo"],
  "password-changes": ["scp", "fcp", "scpr", "fcpr"],
  "password-migrations": ["spm"],
  mfa: ["gd_auth_succeed", "gd_auth_failed", "gd_auth_rejected"],
  "email-verifications": ["sv", "fv", "svr", "fvr"],
  "codes-sent": ["cls", "cs"],
};

/** Where a group or a filter stands among the columns of the journal. */
const COLUMNS = {
  connection: "connection",
  client_id: "client_id",
  user_type: "strategy_type",
  user_id: "user_id",
  event: "type",
} as const;

/** The `analytics` adapter: aggregates of the journal, and weekly cohorts of sessions and refresh tokens. */
export const createAnalytics = (store: Store): AnalyticsAdapter => ({
  query: (tenantId, resource, params) => query(store, tenantId, resource, params),

  async sessionRetention(tenantId, { weeks }) {
    const now = store.clock().getTime();
    const used = rowsOf(store, sessions, tenantId)
      .select(["created_at as first", sql`coalesce(used_at, created_at)`.as("last")])
      .where("created_at", ">=", sessionRetentionWindow(weeks, now).sinceMs);
    return buildSessionRetention(await weeksOf(store, used), weeks, now);
  },

  async refreshTokenRetention(tenantId, { weeks, client_id }) {
    const now = store.clock().getTime();
    // Rotation makes a new row at every exchange: the family is what lives on, and it is as old as its first token.
    const families = rowsOf(store, refreshTokens, tenantId)
      .select([sql`min(created_at)`.as("first"), sql`max(coalesce(last_exchanged_at, created_at))`.as("last")])
      .$if(Boolean(client_id?.length), (rows) => rows.where("client_id", "in", client_id))
      .groupBy(sql`coalesce(family_id, id)`)
      .having(sql`min(created_at)`, ">=", sessionRetentionWindow(weeks, now).sinceMs);
    return buildRefreshTokenRetention(await weeksOf(store, families), weeks, now);
  },
});

/** Counts by the weeks of `first` and `last`, in epoch milliseconds. Weeks begin on Monday, UTC. */
async function weeksOf(store: Store, lives: Rows): Promise<SessionRetentionRawRow[]> {
  const week = (column: string) =>
    sql<number>`(${sql.ref(column)} + ${sql.lit(MONDAY_EPOCH_SHIFT_MS)}) / ${sql.lit(WEEK_MS)}`;
  const rows = await store.db
    .selectFrom(lives.as("lives"))
    .select([week("first").as("created_week"), week("last").as("used_week"), sql<number>`count(*)`.as("count")])
    .groupBy(["created_week", "used_week"])
    .execute();
  return rows as SessionRetentionRawRow[];
}

async function query(
  store: Store,
  tenantId: string,
  resource: AnalyticsResource,
  params: AnalyticsQueryParams,
): Promise<AnalyticsQueryResponse> {
  const startedAt = store.clock().getTime();
  const metric = resource.replaceAll("-", "_");
  const groups = [...new Set(params.group_by)];
  const counted = resource === "active-users" ? sql`count(distinct user_id)` : sql`count(*)`;
  const grouped = narrowed(rowsOf(store, logs, tenantId), resource, params)
    .select([...groups.map((group) => groupOf(group, params).as(group)), counted.as(metric)])
    .select(sql<number>`count(*) over ()`.as("all_rows"))
    .$if(groups.length > 0, (rows) => rows.groupBy(groups));
  const found = await orderOf(params, groups, metric)
    .reduce((rows, [column, direction]) => rows.orderBy(column, direction), grouped)
    .limit(Math.min(Math.max(params.limit, 0), ROWS_MAX))
    .offset(Math.max(params.offset, 0))
    .execute();
  const data = found.map(({ all_rows: _, ...row }) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? ""])),
  );
  return {
    meta: [...groups.map((name) => ({ name, type: typeOf(name, params) })), { name: metric, type: "UInt64" }],
    data,
    rows: data.length,
    rows_before_limit_at_least: Number(found[0]?.all_rows ?? data.length),
    statistics: { elapsed: (store.clock().getTime() - startedAt) / 1000 },
  };
}

function narrowed(rows: Rows, resource: AnalyticsResource, { from, to, filters }: AnalyticsQueryParams): Rows {
  const within = rows
    .where("type", "in", TYPES[resource])
    .where("date", ">=", instantOf(from))
    .where("date", "<", instantOf(to));
  return Object.entries(filters).reduce((query, [field, values]: [string, string[] | undefined]) => {
    if (!values?.length || !Object.hasOwn(COLUMNS, field)) return query;
    return query.where(COLUMNS[field as keyof typeof COLUMNS], "in", values);
  }, within);
}

const groupOf = (group: AnalyticsGroupBy, params: AnalyticsQueryParams): RawBuilder<unknown> =>
  group === "time" ? bucketOf(params) : sql`${sql.ref(COLUMNS[group])}`;

function typeOf(group: AnalyticsGroupBy, { interval }: AnalyticsQueryParams): string {
  if (group !== "time") return "String";
  return interval === "hour" ? "DateTime" : "Date";
}

type Order = readonly (readonly [column: string, direction: "asc" | "desc"])[];

/** The caller's column if it is one of the answer's, else by time, else the largest first; then made unique. */
function orderOf({ order_by = "" }: AnalyticsQueryParams, groups: readonly string[], metric: string): Order {
  const column = order_by.replace(/^-/, "");
  const ties = groups.map((group) => [group, "asc"] as const);
  if ([...groups, metric].includes(column)) return [[column, order_by.startsWith("-") ? "desc" : "asc"], ...ties];
  return groups[0] === "time" ? ties : [[metric, "desc"], ...ties];
}

/** As the journal writes dates. Throws `invalid` (`invalid_date`). */
function instantOf(iso: string): string {
  const at = new Date(iso);
  if (!Number.isNaN(at.getTime())) return at.toISOString();
  throw new PlatformError("invalid", "invalid_date", "from and to are ISO 8601 times");
}
