import type { RateLimitAdapter, RateLimitScope } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import type { Store } from "./store.ts";

/** How often something may be tried, counted from the first attempt of a window. */
interface RateLimit {
  readonly attempts: number;
  readonly windowMs: number;
}

export type RateLimits = Readonly<Partial<Record<RateLimitScope, RateLimit>>>;

const MINUTE_MS = 60_000;

/**
 * What is counted unless configured otherwise; a scope that is not listed is not limited.
 *
 * `pre-login` counts password attempts from one address, behind which a whole office may sit: 100 in 10 minutes keep
 * it working and a list of passwords useless. `brute-force` counts one-time passwords for one identifier, of which
 * there are a million: at 10 in 15 minutes guessing one takes years.
 */
const RATE_LIMITS: RateLimits = {
  "pre-login": { attempts: 100, windowMs: 10 * MINUTE_MS },
  "brute-force": { attempts: 10, windowMs: 15 * MINUTE_MS },
};

// More than one attempt can leave behind, so that the table shrinks although nothing sweeps it.
const SWEPT_PER_ATTEMPT = 5;

/**
 * The `rateLimit` adapter: a counter per scope and key beside what it protects, so that all processes count
 * together. One round trip: an upsert, which counts and decides, and the removal of a few windows that are over.
 */
export function createRateLimit(store: Store, limits: RateLimits = RATE_LIMITS): RateLimitAdapter {
  return {
    async consume(scope, key) {
      const limit = limits[scope];
      if (!limit) return { allowed: true };
      const now = store.clock().getTime();
      const [counted] = await store.batch([count(store, scope, key, now, limit.windowMs), removal(store, now)]);
      const row = counted?.rows[0];
      if (Number(row?.count) <= limit.attempts) return { allowed: true };
      return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil((Number(row?.expires_at) - now) / 1000)) };
    },
  };
}

const count = (store: Store, scope: string, key: string, now: number, windowMs: number) =>
  store.db
    .insertInto("rate_limits")
    .values({ scope, key, expires_at: now + windowMs, count: 1 })
    .onConflict((conflict) =>
      conflict.columns(["scope", "key"]).doUpdateSet({
        count: sql`case when rate_limits.expires_at > ${now} then rate_limits.count + 1 else 1 end`,
        expires_at: sql`case when rate_limits.expires_at > ${now} then rate_limits.expires_at
          else excluded.expires_at end`,
      }),
    )
    .returning(["count", "expires_at"]);

function removal(store: Store, now: number) {
  const over = store.db
    .selectFrom("rate_limits")
    .select(sql.ref("rowid").as("rowid"))
    .where("expires_at", "<=", now)
    .limit(SWEPT_PER_ATTEMPT);
  return store.db.deleteFrom("rate_limits").where("rowid", "in", over);
}
