import type { DailyStats, StatsAdapter } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import { rowsOf } from "./crud.ts";
import { logs } from "./logs.ts";
import type { Store } from "./store.ts";

const DAY_MS = 24 * 3_600_000;
const DAYS_DEFAULT = 30;

const countOf = (type: string) => sql<number>`sum(type = ${type})`;

/** The `stats` adapter, counted from the journal. Days are UTC, and only those on which something happened. */
export const createStats = (store: Store): StatsAdapter => ({
  async getDaily(tenantId, { from, to } = {}) {
    const last = to ? startOf(to) : startOfDay(store.clock().getTime());
    const first = from ? startOf(from) : last - (DAYS_DEFAULT - 1) * DAY_MS;
    const rows = await rowsOf(store, logs, tenantId)
      .select([
        sql<string>`substr(date, 1, 10)`.as("day"),
        countOf("s").as("logins"),
        countOf("ss").as("signups"),
        countOf("pwd_leak").as("leaked_passwords"),
        sql<string>`max(date)`.as("updated_at"),
        sql<string>`min(date)`.as("created_at"),
      ])
      .where("type", "in", ["s", "ss", "pwd_leak"])
      .where("date", ">=", dayText(first))
      .where("date", "<", dayText(last + DAY_MS))
      .groupBy("day")
      .orderBy("day")
      .execute();
    return rows.map(({ day, ...counts }) => ({ date: day, ...counts }) as DailyStats);
  },

  async getActiveUsers(tenantId) {
    const since = new Date(store.clock().getTime() - DAYS_DEFAULT * DAY_MS).toISOString();
    const found = await rowsOf(store, logs, tenantId)
      .select(sql<number>`count(distinct user_id)`.as("users"))
      .where("type", "=", "s")
      .where("date", ">=", since)
      .executeTakeFirstOrThrow();
    return Number(found.users);
  },
});

const startOfDay = (at: number) => Math.floor(at / DAY_MS) * DAY_MS;

const dayText = (at: number) => new Date(at).toISOString().slice(0, 10);

/** `YYYYMMDD` or `YYYY-MM-DD`, in epoch milliseconds. Throws `invalid` (`invalid_date`). */
function startOf(day: string): number {
  const at = Date.parse(day.replace(/^(\d{4})-?(\d{2})-?(\d{2})$/, "$1-$2-$3"));
  if (!Number.isNaN(at)) return startOfDay(at);
  throw new PlatformError("invalid", "invalid_date", "A day is written YYYYMMDD");
}
