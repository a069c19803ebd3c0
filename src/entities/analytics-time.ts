import type { AnalyticsInterval, AnalyticsQueryParams } from "@authhero/adapter-interfaces";
import { type RawBuilder, sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
// No journal is older, and every day of the range is looked at once.
const DAYS_MAX = 3700;

/** The bucket of a log in the caller's time zone, summer time included: `2026-03-29T14`, `2026-03-29`, `2026-03`. */
export function bucketOf({ from, to, tz, interval }: AnalyticsQueryParams): RawBuilder<unknown> {
  const { first, changes } = offsetsOf(tz, Date.parse(from), Date.parse(to));
  const cases = changes.map(([at, minutes]) => sql`when date >= ${new Date(at).toISOString()} then ${shift(minutes)}`);
  const local = cases.length > 0 ? sql`case ${sql.join(cases, sql` `)} else ${shift(first)} end` : sql`${shift(first)}`;
  return FORMATS[interval](local);
}

const shift = (minutes: number) => sql.lit(`${minutes >= 0 ? "+" : ""}${minutes} minutes`);

/** Each takes a modifier of SQLite's date functions that leads from UTC to local time. */
const FORMATS: Readonly<Record<AnalyticsInterval, (local: RawBuilder<unknown>) => RawBuilder<unknown>>> = {
  hour: (local) => sql`strftime('%Y-%m-%dT%H', date, ${local})`,
  day: (local) => sql`strftime('%Y-%m-%d', date, ${local})`,
  // The Monday the week begins with.
  week: (local) => sql`date(date, ${local}, '-6 days', 'weekday 1')`,
  month: (local) => sql`strftime('%Y-%m', date, ${local})`,
};

/** The offset from UTC at the start, in minutes, and where it changes before the end: the latest change first. */
function offsetsOf(timeZone: string, from: number, to: number) {
  const offset = offsetAt(timeZone);
  const first = offset(from);
  const changes: (readonly [at: number, minutes: number])[] = [];
  const end = Math.min(to, from + DAYS_MAX * DAY_MS);
  for (let day = from; day < end; day += DAY_MS) {
    const next = Math.min(day + DAY_MS, end);
    if (offset(next) !== offset(day)) changes.unshift([changeBetween(offset, day, next), offset(next)]);
  }
  return { first, changes };
}

/** The first whole minute with the later offset. */
function changeBetween(offset: (at: number) => number, before: number, after: number): number {
  let [low, high] = [Math.floor(before / MINUTE_MS), Math.ceil(after / MINUTE_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offset(middle * MINUTE_MS) === offset(after)) high = middle;
    else low = middle;
  }
  return high * MINUTE_MS;
}

/** Minutes from UTC to local time at an instant. Throws `invalid` (`invalid_time_zone`) for a name nobody knows. */
function offsetAt(timeZone: string): (at: number) => number {
  const format = formatOf(timeZone);
  return (at) => {
    const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    const parts = Object.fromEntries(format.formatToParts(minute).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute: minutes = 0 } = parts;
    return (Date.UTC(year, month - 1, day, hour, minutes) - minute) / MINUTE_MS;
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = "numeric";
  const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric } as const;
  try {
    return new Intl.DateTimeFormat("en-u-ca-iso8601-nu-latn", { timeZone, hourCycle: "h23", ...fields });
  } catch (cause) {
    throw new PlatformError("invalid", "invalid_time_zone", "tz must be an IANA time zone", { cause });
  }
}
